"""The interface of an export format: write a graph to a file, and run that file."""

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from office31_cli.errors import Failed, Misuse

if TYPE_CHECKING:
    import numpy.typing as npt

    from office31_cli.models.program import Graph

Array: TypeAlias = "npt.NDArray[Any]"

Runner: TypeAlias = Callable[["Array"], dict[str, "Array"]]
"""Maps a batch to output arrays by name."""


ITEMS = "office31.items"
"""The key of the note that lists the items, in the order of their probabilities."""


class Format(ABC):
    """A file format for a network's graph with its weights. Imports torch only to write or run."""

    name: ClassVar[str]
    """The format's name, which is also the suffix of its files without the dot."""
    library: ClassVar[str]
    """Hugging Face's name of the library that runs it."""
    module: ClassVar[str]
    """The Python module that runs it."""
    requires: ClassVar[tuple[str, ...]] = ()
    """The modules needed to write and run it; the package extra named like the format installs them."""
    opsets: ClassVar[range] = range(0)
    """The operator set versions that `--opset` accepts."""

    def check(self, opset: int | None) -> None:
        """Raise `Misuse` for an operator set version that is not supported, `Failed` where a library is missing."""
        if opset is not None and opset not in self.opsets:
            known = f"use {self.opsets[0]} to {self.opsets[-1]}" if self.opsets else "leave it out"
            raise Misuse(f"--opset {opset}", f"{self.name} has no such version", known)
        for module in self.requires:
            if importlib.util.find_spec(module) is None:
                install = f"run: pip install 'office31-cli[{self.name}]'"
                raise Failed(f"format {self.name}", f"{module} is not installed", install)

    @abstractmethod
    def write(self, graph: "Graph", notes: Mapping[str, str], opset: int | None) -> bytes:
        """The bytes of the file, with `notes` as its metadata; raises `Failed` where the graph does not fit."""

    @abstractmethod
    def run(self, content: bytes) -> Runner:
        """A function that runs the network in a file's bytes with the format's own runtime."""

    @abstractmethod
    def usage(self, file: str, variable: str) -> list[str]:
        """Lines of Python that run `file` on the array named `variable` and assign `items` and `item` (n, items).

        They rely on `json` and `module` being imported.
        """
