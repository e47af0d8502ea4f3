"""What a format of exported files has to do: write a graph, and run what it wrote."""

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
"""A batch to answers by name."""


ITEMS = "office31.items"
"""The note that lists the items, in the order of their probabilities."""


class Format(ABC):
    """A kind of file that holds a network's graph with its weights. Imports no torch before it writes or runs."""

    name: ClassVar[str]
    """Also the suffix of its files, without the dot."""
    library: ClassVar[str]
    """What Hugging Face calls the library that runs it."""
    module: ClassVar[str]
    """What Python imports to run it."""
    requires: ClassVar[tuple[str, ...]] = ()
    """The modules that writing and running need; the extra of the format's name installs them."""
    opsets: ClassVar[range] = range(0)
    """The versions of its set of operators that can be asked for."""

    def check(self, opset: int | None) -> None:
        """Raise `Misuse` for a version that it does not have, and `Failed` where a library is not installed."""
        if opset is not None and opset not in self.opsets:
            known = f"use {self.opsets[0]} to {self.opsets[-1]}" if self.opsets else "leave it out"
            raise Misuse(f"--opset {opset}", f"{self.name} has no such version", known)
        for module in self.requires:
            if importlib.util.find_spec(module) is None:
                install = f"run: pip install 'office31-cli[{self.name}]'"
                raise Failed(f"format {self.name}", f"{module} is not installed", install)

    @abstractmethod
    def write(self, graph: "Graph", notes: Mapping[str, str], opset: int | None) -> bytes:
        """The file's bytes, with `notes` where its format keeps such; raises `Failed` where it cannot hold it."""

    @abstractmethod
    def run(self, content: bytes) -> Runner:
        """What a file's bytes compute, by the format's own runtime."""

    @abstractmethod
    def usage(self, file: str, given: str) -> list[str]:
        """Lines of Python that run a file on the array `given`: they leave `items`, and `item` (n, items).

        `json` and `module` are imported by then.
        """
