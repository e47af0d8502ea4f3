"""Networks and weights as they are parsed from a library's source, beside what the library itself says."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torchvision

from office31_cli import paths
from office31_cli.models import libraries
from office31_cli.models.libraries import list_networks

SOURCE = '''
"""
@register_model()
def in_a_docstring(): ...

class InADocstring_Weights(WeightsEnum):
    IMAGENET1K_V1 = Weights()
"""
from ._api import register_model, Weights, WeightsEnum

class Small_Weights(WeightsEnum):
    # IMAGENET1K_V0 = Weights(url="commented out")
    IMAGENET1K_V1 = Weights(
        url="https://example.org/a.pth",
        meta={"register_model": "@register_model()"},
    )
    IMAGENET1K_V2 = Weights(url="https://example.org/b.pth")
    DEFAULT = IMAGENET1K_V2

class Other:
    IMAGENET1K_V3 = Weights()

@register_model()
@handle_legacy_interface(
    weights=("pretrained", Small_Weights.IMAGENET1K_V1),
)
def small(*, weights: Optional[Small_Weights] = None) -> Network:
    return Network()

@register_model(name="another")
@handle_legacy_interface(weights=None)
def large(progress: bool = True, weights: Optional[Small_Weights] = None) -> Network:
    def register_model(): ...
    return Network()

@register_model
def bare(pretrained=False): ...

def helper(weights: Small_Weights): ...
'''


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the networks of a library called `zoo`, with one file in it."""
    folder = tmp_path / "zoo" / "models"
    folder.mkdir(parents=True)
    (tmp_path / "zoo" / "__init__.py").write_text("raise ImportError('it is not to be imported')")
    (folder / "small.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    list_networks.cache_clear()
    yield folder
    list_networks.cache_clear()


def listed_anew() -> dict[str, dict[str, str]]:
    """As another process would have it."""
    list_networks.cache_clear()
    return list_networks("zoo")


def test_torchvisions_classifiers_and_every_weights_enum_are_its_own() -> None:
    assert list_networks("torchvision") == {
        name: {alias: str(member) for alias, member in torchvision.models.get_model_weights(name).__members__.items()}
        for name in torchvision.models.list_models(module=torchvision.models)
    }


def test_timms_networks_are_its_own() -> None:
    assert list(list_networks("timm")) == sorted(timm.list_models())


def test_a_library_that_is_not_installed_has_none() -> None:
    assert list_networks("no_such_library") == {}


@pytest.mark.usefixtures("library")
def test_what_is_registered_counts_and_not_what_looks_like_it() -> None:
    weights = {
        "IMAGENET1K_V1": "Small_Weights.IMAGENET1K_V1",
        "IMAGENET1K_V2": "Small_Weights.IMAGENET1K_V2",
        "DEFAULT": "Small_Weights.IMAGENET1K_V2",
    }
    assert list_networks("zoo") == {"another": weights, "bare": {}, "small": weights}
    assert "zoo" not in sys.modules


def test_it_is_parsed_once_until_a_file_changes(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    parse = libraries._parse
    monkeypatch.setattr(libraries, "_parse", lambda files: parsed.append(len(files)) or parse(files))
    first = listed_anew()
    assert listed_anew() == first
    assert parsed == [1]
    (library / "more.py").write_text("@register_model()\ndef more(): ...\n")
    assert listed_anew() == {"another": first["another"], "bare": {}, "more": {}, "small": first["small"]}
    (library / "more.py").write_text("@register_model()\ndef less(): ...\n")
    os.utime(library / "more.py", ns=(1, 1))
    assert "less" in listed_anew()
    assert parsed == [1, 2, 2]


@pytest.mark.usefixtures("library")
def test_a_damaged_cache_is_parsed_again_and_written_anew() -> None:
    whole = listed_anew()
    path = paths.cache_home() / "networks" / "zoo.json"
    content = path.read_bytes()
    for damaged in (b"", b"\n", content[:-1], content.replace(b"small", b"smelt"), b"{}", b"0\n[]"):
        path.write_bytes(damaged)
        assert listed_anew() == whole
        assert path.read_bytes() == content


@pytest.mark.usefixtures("library")
def test_a_cache_that_cannot_be_written_is_done_without() -> None:
    paths.cache_home().mkdir(parents=True, exist_ok=True)
    (paths.cache_home() / "networks").write_bytes(b"in the way")
    assert "small" in listed_anew()
