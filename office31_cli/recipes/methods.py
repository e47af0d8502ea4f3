"""`office31 methods`: the adaptation methods, their papers and hyper-parameters. Imports no torch."""

from dataclasses import asdict, dataclass
from typing import Any

from office31_cli import methods as adaptation


@dataclass(frozen=True)
class Hyperparameter:
    """What `--set` takes for a method."""

    name: str
    default: float | int | bool
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class MethodRow:
    """One adaptation method."""

    method: str
    summary: str
    paper: str
    source_free: bool
    hyperparameters: list[Hyperparameter]


@dataclass(frozen=True)
class Methods:
    """All of them, in alphabetical order."""

    rows: list[MethodRow]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {"methods": [asdict(row) for row in self.rows]}


def methods() -> Methods:
    """Every adaptation method that there is a file for."""
    return Methods([_row(name) for name in adaptation.FOLDER.names()])


def _row(name: str) -> MethodRow:
    method = adaptation.load(name)
    return MethodRow(
        method=name,
        summary=adaptation.FOLDER.summary(name),
        paper=method.paper,
        source_free=method.source_free,
        hyperparameters=[
            Hyperparameter(each.name, value, **each.metadata)
            for each, value in zip(method.hyperparameters(), method().settings().values(), strict=True)
        ],
    )
