"""What `office31 models export` returns; `to_json` is what `--json` prints."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from office31_cli.models.formats.base import Format
from office31_cli.registry import Entry
from office31_cli.registry.lineage import Node
from office31_cli.results import Evaluation

if TYPE_CHECKING:
    from office31_cli.models.program import Graph

BUNDLE = "safetensors"
"""Weights and card, which `office31 models import` takes back. The other formats are graphs that run by themselves."""


@dataclass(frozen=True)
class Parity:
    """How a file's answers compare with the model's, both in single precision."""

    pictures: int
    source: str | None
    """The data set that the photographs are from; None for pictures that were drawn."""
    largest_difference: float
    """Of any logit of any picture."""
    agreeing: int
    """Of how many pictures the likeliest item is the same."""

    def to_json(self) -> dict[str, Any]:
        """The object `parity` that `export --json` prints."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class ExportedGraph:
    """A graph in a file: its inputs and outputs, how it compares with the model, and lines of Python that run it."""

    graph: "Graph"
    format: Format
    parity: Parity
    usage: list[str]

    def to_json(self) -> dict[str, Any]:
        """What it adds to the object that `export --json` prints."""
        return {
            "preprocessing": self.graph.preprocesses,
            "given": asdict(self.graph.input),
            "answers": [asdict(end) for end in self.graph.outputs],
            "parity": self.parity.to_json(),
        }


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """A model in a file of its own."""

    entry: Entry
    format: str
    path: Path
    seconds: float
    graph: ExportedGraph | None
    """None for a bundle."""
    ancestors: list[Node]
    """What the model was made from, the nearest first."""
    card: Path | None
    """The model card beside it, where one was asked for."""
    scores: list[Evaluation] | None
    """For the card: each labelled domain of which the model has not seen every label; None where they are not here."""

    def to_json(self) -> dict[str, Any]:
        """The object that `export --json` prints."""
        return {
            "model": self.entry.name,
            "id": self.entry.id,
            "path": str(self.path),
            "bytes": self.path.stat().st_size,
            "format": self.format,
            "seconds": self.seconds,
            "card": self.card and str(self.card),
            **(self.graph.to_json() if self.graph else {"preprocessing": None, "parity": None}),
        }
