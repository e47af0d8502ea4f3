"""What a package may add by entry points, and what is said of one that is broken or takes a name."""

from pathlib import Path

import pytest

from office31_cli import list_methods, methods, strategies
from office31_cli.errors import Failed, Misuse
from office31_cli.methods import mcc
from tests.helpers.other_packages import METHOD, STRATEGY, lay_out_package
from tests.helpers.small_data import Listener

GROUP = "office31.methods"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def install(packages: Path, point: str, module: str, text: str, *, package: str = "office31-other") -> None:
    lay_out_package(packages, package, {f"{module}.py": text}, {GROUP: {point: module}})


def test_a_module_behind_an_entry_point_is_as_good_as_a_file(packages: Path) -> None:
    points = {GROUP: {"gentle": "good_method"}, "office31.strategies": {"short": "good_strategy"}}
    lay_out_package(packages, "office31-other", {"good_method.py": METHOD, "good_strategy.py": STRATEGY}, points)
    assert {"gentle", "mcc", "lp-ft"} - {*methods.FOLDER.names(), *strategies.FOLDER.names()} == set()
    assert methods.load("gentle").from_text("gentle", {"weight": "0.5"}).settings() == {"weight": 0.5}
    assert methods.FOLDER.summary("gentle") == "Gentle: make the target's predictions a little more certain."
    assert (methods.FOLDER.added_by("gentle"), methods.FOLDER.added_by("mcc")) == ("office31-other 1.0", None)
    assert strategies.load("short").__module__ == "good_strategy"
    assert methods.load("mcc") is mcc.Method
    with pytest.raises(Misuse, match="did you mean gentle"):
        methods.load("gentl")


BOUNDED = 'hyperparameter(0.1, 0.01, 1.0, "of the entropy")'
UNBOUNDED = "the field weight is not made with hyperparameter()"

BROKEN = {
    "fails_at_import": ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    "no_python": ("def (", "SyntaxError: invalid syntax"),
    "ends_the_line": ("raise RuntimeError('one\\ntwo')", "RuntimeError: one"),
    "no_class": ('"""Nothing."""', "no_class has no class Method derived from office31_cli.methods.base"),
    "other_class": ('"""Another."""\nclass Method: pass', "other_class has no class Method derived from"),
    "no_docstring": (METHOD.split("\n", 1)[1], "no_docstring has no docstring"),
    "no_paper": (METHOD.replace('    paper = "Nobody 2026, unpublished"\n', ""), "the class has no paper"),
    "no_bounds": (
        METHOD.replace('hyperparameter(0.1, 0.01, 1.0, "of the entropy")', "0.1"),
        "the field weight is not made",
    ),
    "no_default": (
        METHOD.replace('= hyperparameter(0.1, 0.01, 1.0, "of the entropy")', ""),
        "the field weight is not made",
    ),
}


@pytest.mark.parametrize("module", BROKEN)
def test_a_broken_one_is_named_in_one_line_and_takes_no_other_away(packages: Path, module: str) -> None:
    text, why = BROKEN[module]
    install(packages, "gentle", module, text)
    with pytest.raises(Failed) as told:
        methods.load("gentle")
    line = str(told.value)
    assert line.startswith("method gentle: office31-other 1.0 is broken (")
    assert why in line
    assert line.endswith("; repair it, or uninstall it")
    assert "\n" not in line
    observer = Listener()
    rows = {row.name for row in list_methods(observer).rows}
    assert rows == set(methods.FOLDER.names()) - {"gentle"}
    assert observer.warned == [line]


def test_an_entry_point_names_a_module(packages: Path) -> None:
    lay_out_package(packages, "office31-other", {"fine.py": METHOD}, {GROUP: {"gentle": "fine:Method"}})
    with pytest.raises(Failed, match="its entry point is to name a module, and fine:Method does not"):
        methods.load("gentle")


def warnings_of_the_list() -> list[str]:
    observer = Listener()
    assert {row.name for row in list_methods(observer).rows} == set(methods.FOLDER.names())
    return observer.warned


def test_what_is_built_in_cannot_be_replaced_and_works_on(packages: Path) -> None:
    install(packages, "mcc", "usurper", METHOD)
    assert methods.FOLDER.names().count("mcc") == 1
    assert methods.load("mcc") is mcc.Method
    assert methods.FOLDER.added_by("mcc") is None
    assert warnings_of_the_list() == [
        "method mcc: office31-other 1.0 adds it, and office31 itself has one of that name; uninstall that package"
    ]


def test_two_packages_cannot_share_a_name(packages: Path) -> None:
    install(packages, "gentle", "first", METHOD, package="office31-first")
    install(packages, "gentle", "second", METHOD, package="office31-second")
    with pytest.raises(Failed, match=r"office31-\w+ 1.0 adds it, and office31-\w+ 1.0 has one of that name") as told:
        methods.load("gentle")
    assert "gentle" not in methods.FOLDER.names()
    assert warnings_of_the_list() == [str(told.value)]


@pytest.mark.parametrize("name", ["Gentle", "gentle,mcc", "a_b", "-gentle", "g\x1b[31m"])
def test_a_name_has_to_be_typed_in_an_option(packages: Path, name: str) -> None:
    install(packages, name, "fine", METHOD)
    with pytest.raises(Failed, match="a name has small letters, digits and hyphens alone") as told:
        methods.load(name)
    assert "\x1b" not in str(told.value)
    assert warnings_of_the_list() == [str(told.value)]
    assert methods.load("mcc") is mcc.Method
