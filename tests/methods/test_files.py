"""What holds of every method, whoever wrote it."""

import re
import subprocess
import sys

import pytest

from office31_cli import methods

NAMES = methods.FOLDER.names()


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_a_method_that_says_what_it_is(name: str) -> None:
    method = methods.load(name)
    assert issubclass(method, methods.Method)
    assert re.fullmatch(r"[A-Z][\w -]*: .+[^ ]", methods.FOLDER.summary(name))
    assert re.search(r"\b(19|20)\d\d\b", method.paper)
    assert "et al" not in method.paper  # "and others", as everywhere


@pytest.mark.parametrize("name", NAMES)
def test_every_default_is_in_its_range_and_can_be_typed(name: str) -> None:
    default = methods.load(name)()
    for each in default.hyperparameters():
        assert each.metadata["low"] <= each.default <= each.metadata["high"]
        assert each.metadata["meaning"]
    assert type(default).from_text(name, {key: str(kept) for key, kept in default.settings().items()}).settings() == (
        default.settings()
    )


def test_loading_every_method_imports_no_torch() -> None:
    code = (
        "import sys; from office31_cli import methods as m\n"
        "for name in m.FOLDER.names(): m.load(name)()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
