"""Things of one kind, one module each, found by name: the files of a folder, and what other packages add."""

import ast
import functools
import importlib
import importlib.util
import keyword
import pkgutil
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from office31_cli.errors import Failed, Misuse
from office31_cli.text import did_you_mean, printable

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from office31_cli.hyperparameters import Configurable

Kind = TypeVar("Kind", bound="Configurable")

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""What another package may call a thing: options take several such names with commas between."""


@dataclass(frozen=True)
class ModuleFolder:
    """A package whose modules are each one `kind` of thing, but for those that all of them have `shared`."""

    package: str
    kind: str
    shared: tuple[str, ...] = ("base",)
    separator: str = "-"
    """Stands in a name where its file's has an underscore."""

    def names(self) -> tuple[str, ...]:
        """The names, which are the files', a keyword's without its `_`, in alphabetical order. Imports none of them."""
        return self._files()

    def check(self, name: str) -> None:
        """Raise `Misuse` with a near match where nothing has that name."""
        if name not in self.names():
            raise Misuse(
                f"{self.kind} {printable(name)}", "there is none of that name", did_you_mean(name, self.names())
            )

    def load(self, name: str) -> ModuleType:
        """Import the module of that name; raises as `check` does."""
        self.check(name)
        return importlib.import_module(self._module(name))

    def summary(self, name: str) -> str:
        """The first line of the docstring of a name's file. Imports nothing."""
        spec = importlib.util.find_spec(self._module(name))
        assert spec is not None
        assert spec.origin is not None
        return _first_line(ast.get_docstring(ast.parse(Path(spec.origin).read_bytes())))

    def _files(self) -> tuple[str, ...]:
        files = (module.name for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__))
        names = (name.rstrip("_").replace("_", self.separator) for name in files if name not in self.shared)
        return tuple(sorted(names))

    def _module(self, name: str) -> str:
        file = name.replace(self.separator, "_")
        return f"{self.package}.{file}{'_' if keyword.iskeyword(file) else ''}"


@dataclass(frozen=True)
class PluginFolder(ModuleFolder):
    """A folder to which other packages add modules, each named by an entry point of the group `entry_points`.

    Such a module is what a file in the folder is: a docstring whose first line says what the thing does, and a class.
    """

    entry_points: str = ""

    def names(self) -> tuple[str, ...]:
        """The names of the files and of what other packages add, in alphabetical order. Imports none of them."""
        return tuple(sorted((*self._files(), *self._added())))

    def check(self, name: str) -> None:
        """Raise `Misuse` with a near match where nothing has that name, `Failed` where a package's is refused."""
        if name not in self._files() and name in (refused := self._refused()):
            raise refused[name]
        super().check(name)

    def list_refused(self) -> list[Failed]:
        """Why names that other packages add are left out: they are taken, or cannot be typed in an option."""
        return list(self._refused().values())

    def load(self, name: str) -> ModuleType:
        """Import the module of that name; raises `Failed` naming the package whose module cannot be imported."""
        self.check(name)
        added = self._added().get(name)
        if added is None:
            return super().load(name)
        if ":" in added.value:
            raise self._broken(name, f"its entry point is to name a module, and {printable(added.value)} does not")
        try:
            return importlib.import_module(added.module)
        except Exception as error:  # whatever goes wrong while a stranger's file is run
            raise self._broken(name, f"{type(error).__name__}: {error}") from error

    def load_class(self, name: str, attribute: str, base: type[Kind]) -> type[Kind]:
        """The class `attribute` of the module of that name, derived from `base`.

        Raises as `load` does, and `Failed` where a package's module is not what a file of the folder is.
        """
        module = self.load(name)
        found: type[Kind] | None = getattr(module, attribute, None)
        if name not in self._added():
            assert found is not None
            return found
        if not (isinstance(found, type) and issubclass(found, base)):
            raise self._broken(name, f"{module.__name__} has no class {attribute} derived from {base.__module__}")
        if not _first_line(module.__doc__):
            raise self._broken(name, f"{module.__name__} has no docstring that says what it does")
        try:
            found.check_class()
        except TypeError as error:
            raise self._broken(name, str(error)) from error
        return found

    def summary(self, name: str) -> str:
        """The first line of the docstring of a name's module; imports it only where another package adds it."""
        return _first_line(self.load(name).__doc__) if name in self._added() else super().summary(name)

    def added_by(self, name: str) -> str | None:
        """The package that adds a name, with its version: `office31-sharper 1.0`; None for a file of the folder."""
        added = self._added().get(name)
        return None if added is None else _package(added)

    def provenance(self, name: str) -> dict[str, str]:
        """The package that adds a name as a model's card records it: its version decides the result; else nothing."""
        package = self.added_by(name)
        return {} if package is None else {"package": package}

    def _added(self) -> Mapping[str, "EntryPoint"]:
        """What other packages add, by name, but for what is refused."""
        refused = self._refused()
        return {each.name: each for each in self._entry_points() if each.name not in refused}

    def _refused(self) -> Mapping[str, Failed]:
        """By name why a package's is left out: a file of the folder keeps its name, and two cannot share one."""
        files = self._files()
        refused: dict[str, Failed] = {}
        first: dict[str, EntryPoint] = {}
        for each in self._entry_points():
            what, package = f"{self.kind} {printable(each.name)}", _package(each)
            other = first.setdefault(each.name, each)
            if not _NAME.fullmatch(each.name):
                why = f"{package} adds it, and a name has small letters, digits and hyphens alone"
            elif each.name in files:
                why = f"{package} adds it, and office31 itself has one of that name"
            elif other.value != each.value:
                why = f"{package} adds it, and {_package(other)} has one of that name"
            else:
                continue
            refused[each.name] = Failed(what, why, "uninstall that package")
        return refused

    def _entry_points(self) -> "tuple[EntryPoint, ...]":
        return _find_entry_points(self.entry_points, tuple(sys.path))

    def _broken(self, name: str, why: str) -> Failed:
        package = _package(self._added()[name])
        return Failed(f"{self.kind} {name}", printable(f"{package} is broken ({why})"), "repair it, or uninstall it")


@functools.cache
def _find_entry_points(group: str, path: tuple[str, ...]) -> tuple["EntryPoint", ...]:
    """The entry points of a group that the packages on `path`, which is `sys.path`, bring; looked for once."""
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def _package(added: "EntryPoint") -> str:
    """Name and version of the package that brings an entry point."""
    return printable(f"{added.dist.name} {added.dist.version}" if added.dist else added.module)


def _first_line(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n")[0]
