"""Things of one kind, one file each in a folder, found by the file's name: add a file and it is there."""

import ast
import importlib
import importlib.util
import keyword
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable


@dataclass(frozen=True)
class PluginFolder:
    """A package whose modules are each one `kind` of thing, but for those `apart`, which all of them share."""

    package: str
    kind: str
    apart: tuple[str, ...] = ("base",)
    joint: str = "-"
    """What a name has where its file's has an underscore."""

    def names(self) -> tuple[str, ...]:
        """The things by their files' names, a keyword's without its `_`. Imports none of them."""
        found = (module.name for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__))
        return tuple(sorted(name.rstrip("_").replace("_", self.joint) for name in found if name not in self.apart))

    def check(self, name: str) -> None:
        """Raise `Misuse` with a near match where there is nothing of that name."""
        if name not in self.names():
            raise Misuse(
                f"{self.kind} {printable(name)}", "there is none of that name", did_you_mean(name, self.names())
            )

    def load(self, name: str) -> ModuleType:
        """The module of a thing that `names` lists; raises as `check` does."""
        self.check(name)
        return importlib.import_module(self._module(name))

    def summary(self, name: str) -> str:
        """The first line of the docstring of a thing's file. Imports nothing."""
        spec = importlib.util.find_spec(self._module(name))
        assert spec is not None
        assert spec.origin is not None
        return (ast.get_docstring(ast.parse(Path(spec.origin).read_bytes())) or "").partition("\n")[0]

    def _module(self, name: str) -> str:
        file = name.replace(self.joint, "_")
        return f"{self.package}.{file}{'_' if keyword.iskeyword(file) else ''}"
