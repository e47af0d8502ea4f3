"""Things of one kind, one file each in a folder, found by the file's name: add a file and it is there."""

import ast
import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable


@dataclass(frozen=True)
class Folder:
    """A package whose modules, but for `base`, are each one `kind` of thing."""

    package: str
    kind: str

    def names(self) -> tuple[str, ...]:
        """The things by their files' names, with hyphens. Imports none of them."""
        found = (module.name.replace("_", "-") for module in pkgutil.iter_modules([str(self._path)]))
        return tuple(sorted(name for name in found if name != "base"))

    def check(self, name: str) -> None:
        """Raise `Misuse` with a near match where there is nothing of that name."""
        if name not in self.names():
            raise Misuse(
                f"{self.kind} {printable(name)}", "there is none of that name", did_you_mean(name, self.names())
            )

    def load(self, name: str) -> ModuleType:
        """The module of a thing that `names` lists; raises as `check` does."""
        self.check(name)
        return importlib.import_module(f"{self.package}.{name.replace('-', '_')}")

    def summary(self, name: str) -> str:
        """The first line of the docstring of a thing's file. Imports nothing."""
        text = (self._path / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
        return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]

    @property
    def _path(self) -> Path:
        spec = importlib.util.find_spec(self.package)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parent
