"""`import office31_cli`: quick, whole, typed, and with the defaults of the command line."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import office31_cli
from office31_cli.cli.command import Command
from office31_cli.cli.tree import ROOT, CommandTree

VERBS = {
    "adapt": "adapt",
    "benchmark": "benchmark",
    "compare chapter": "compare_chapter",
    "compare labels": "compare_labels",
    "compare optimizers": "compare_optimizers",
    "compare outputs": "compare_outputs",
    "doctor": "doctor",
    "download": "download",
    "evaluate": "evaluate",
    "figures": "figures",
    "finetune": "finetune",
    "methods": "list_methods",
    "models export": "export",
    "models import": "import_model",
    "predict": "predict",
    "pretrain": "pretrain",
    "report": "report",
    "strategies": "list_strategies",
    "tune": "tune",
}
"""The function of each command; `methods` and `strategies` are packages, so their listings have other names."""

OF_THE_REGISTRY = {"list", "show", "tree", "rename", "rm", "verify", "gc"}
"""Commands of `models` that Python has in `Registry`, and in the modules beside it."""

FOR_READING = {"guide"}
"""Commands that print a text which is in the package."""

CALLED = {"benchmark": "plan_benchmark"}
"""What a command's file calls in place of its function: a plan can be estimated as well."""

REQUIRED: dict[str, Any] = {
    "target": "webcam",
    "domain": ["amazon"],
    "split": "webcam",
    "pictures": [Path("desk.jpg")],
    "method": "mcc",
    "model": "best",
    "path": Path("best.safetensors"),
}


def run(code: str) -> Any:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def commands(package: str = ROOT, path: str = "") -> Iterator[tuple[str, Callable[..., None]]]:
    """Every command as it is typed, with the function that typer calls."""
    tree = CommandTree(package)
    for name in tree:
        declared = tree.declaration(name)
        if isinstance(declared, Command):
            yield path + name, declared.run
        else:
            yield from commands(f"{package}.{name}", f"{path}{name} ")


def test_importing_it_is_quick_and_waits_for_nothing_large() -> None:
    code = """
import json, sys, time
began = time.process_time()
import office31_cli
print(json.dumps([time.process_time() - began, sorted({"torch", "numpy", "typer", "rich"} & sys.modules.keys())]))
"""
    seconds, large = min(run(code) for _ in range(3))
    assert (seconds < 0.1, large) == (True, [])


def test_every_name_is_there_and_listed() -> None:
    for name in office31_cli.__all__:
        assert getattr(office31_cli, name) is not None
    assert set(office31_cli.__all__) <= set(dir(office31_cli))
    assert len(set(office31_cli.__all__)) == len(office31_cli.__all__)
    with pytest.raises(AttributeError, match="no attribute 'pretrian'"):
        _ = office31_cli.pretrian


def test_no_module_hides_a_name_whatever_was_imported_before() -> None:
    """A module below the package becomes an attribute of it: `import office31_cli.report` would hide the function."""
    code = """
import importlib, json, pkgutil, office31_cli
for module in pkgutil.walk_packages(office31_cli.__path__, "office31_cli."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps({name: type(getattr(office31_cli, name)).__name__ for name in office31_cli.__all__}))
"""
    kinds = run(code)
    assert {name for name, kind in kinds.items() if kind == "module"} == {"errors"}
    assert {name for name, kind in kinds.items() if kind == "function"} == {
        name for name in office31_cli.__all__ if name.islower() and name not in ("errors", "__version__")
    }


def test_editors_are_told_the_same_as_python() -> None:
    """Type checkers read the imports below TYPE_CHECKING, the interpreter reads `_HOME`."""
    path = Path(office31_cli.__file__)
    (typed,) = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If)]
    imports = [node for node in typed.body if isinstance(node, ast.ImportFrom)]
    told = {alias.name: f"{node.module}" for node in imports for alias in node.names}
    assert told.pop("errors") == "office31_cli"
    assert told == {name: f"office31_cli.{home}" for name, home in office31_cli._HOME.items()}
    assert {*told, "errors", "__version__"} == set(office31_cli.__all__)
    assert path.with_name("py.typed").exists()


def test_every_command_is_a_function_that_says_what_it_does() -> None:
    beyond = {path for path, _ in commands()} - VERBS.keys()
    assert beyond == FOR_READING | {f"models {name}" for name in OF_THE_REGISTRY}
    for name in VERBS.values():
        assert name in office31_cli.__all__
        assert inspect.getdoc(getattr(office31_cli, name))


class Called(Exception):
    """A command's function was called with these arguments."""


@pytest.mark.parametrize("path", VERBS)
def test_a_function_has_the_defaults_of_its_command(path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    name = CALLED.get(path, VERBS[path])
    function = getattr(office31_cli, name)
    monkeypatch.setattr(home_of(name), name, recorder(function))
    typed = dict(commands())[path]
    required = [each for each in inspect.signature(typed).parameters.values() if each.default is each.empty]
    with pytest.raises(Called) as called:
        typed(**{each.name: REQUIRED[each.name] for each in required})
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty and parameter.name != "observer":
            given = called.value.args[0].get(parameter.name, parameter.default)
            assert plain(given) == plain(parameter.default), parameter.name


def test_a_plan_takes_what_a_benchmark_takes() -> None:
    planning = inspect.signature(office31_cli.plan_benchmark).parameters
    assert planning == inspect.signature(office31_cli.benchmark).parameters


def home_of(name: str) -> ModuleType:
    return importlib.import_module(f"office31_cli.{office31_cli._HOME[name]}")


def recorder(function: Callable[..., Any]) -> Callable[..., None]:
    def record(*words: Any, **more: Any) -> None:
        raise Called(inspect.signature(function).bind(*words, **more).arguments)

    return record


def plain(value: Any) -> Any:
    """A default, of whichever kind of sequence; an empty one is as good as none."""
    return (list(value) or None) if isinstance(value, list | tuple | dict) else value
