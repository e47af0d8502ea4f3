"""`office31 methods` and `strategies`: what there is, with papers and hyper-parameters. Imports no torch."""

from dataclasses import asdict, dataclass
from typing import Any

from office31_cli import methods as adaptation
from office31_cli import strategies as finetuning
from office31_cli.hyperparameters import Configurable


@dataclass(frozen=True)
class Hyperparameter:
    """What `--set` takes for a method or a strategy."""

    name: str
    default: float | int | bool
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Row:
    """One method or strategy; `marked` is what its list marks."""

    name: str
    summary: str
    paper: str
    marked: bool
    hyperparameters: list[Hyperparameter]


@dataclass(frozen=True)
class Listing:
    """All of a kind, in alphabetical order."""

    kind: str
    plural: str
    mark: str
    """The JSON key of what is marked."""
    rows: list[Row]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            self.plural: [
                {
                    self.kind: row.name,
                    "summary": row.summary,
                    "paper": row.paper,
                    self.mark: row.marked,
                    "hyperparameters": [asdict(each) for each in row.hyperparameters],
                }
                for row in self.rows
            ]
        }


def list_methods() -> Listing:
    """Every adaptation method that there is a file for; marked are those that do without the source."""
    rows = []
    for name in adaptation.FOLDER.names():
        method = adaptation.load(name)
        summary = adaptation.FOLDER.summary(name)
        rows.append(Row(name, summary, method.paper, method.source_free, _hyperparameters(method)))
    return Listing("method", "methods", "source_free", rows)


def list_strategies() -> Listing:
    """Every fine-tuning strategy that there is a file for; marked are those that use unlabelled photographs, too."""
    rows = []
    for name in finetuning.FOLDER.names():
        strategy = finetuning.load(name)
        summary = finetuning.FOLDER.summary(name)
        rows.append(Row(name, summary, strategy.paper, strategy.uses_unlabelled, _hyperparameters(strategy)))
    return Listing("strategy", "strategies", "unlabelled", rows)


def _hyperparameters(settable: type[Configurable]) -> list[Hyperparameter]:
    values = settable().settings().values()
    pairs = zip(settable.hyperparameters(), values, strict=True)
    return [Hyperparameter(each.name, value, **each.metadata) for each, value in pairs]
