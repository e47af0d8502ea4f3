"""`office31 methods` and `strategies`: what there is, with papers and hyper-parameters. Imports no torch."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from office31_cli import methods as adaptation
from office31_cli import strategies as finetuning
from office31_cli.discovery import PluginFolder
from office31_cli.errors import Failed
from office31_cli.hyperparameters import Configurable
from office31_cli.methods.base import Method
from office31_cli.observer import SILENT, Observer
from office31_cli.strategies.base import Strategy

Kind = TypeVar("Kind", Method, Strategy)


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
    package: str | None
    """The package that adds it, with its version; None for one of office31's own."""
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
                    "package": row.package,
                    "hyperparameters": [asdict(each) for each in row.hyperparameters],
                }
                for row in self.rows
            ]
        }


def list_methods(observer: Observer = SILENT) -> Listing:
    """Every adaptation method; marked are those that are source-free.

    Warns of what a package adds under a name that is refused, or that is broken, and leaves it out.
    """
    rows = list(_list_rows(adaptation.FOLDER, adaptation.load, lambda method: method.source_free, observer))
    return Listing("method", "methods", "source_free", rows)


def list_strategies(observer: Observer = SILENT) -> Listing:
    """Every fine-tuning strategy; marked are those that use unlabelled photographs, too.

    Warns of what a package adds under a name that is refused, or that is broken, and leaves it out.
    """
    rows = list(_list_rows(finetuning.FOLDER, finetuning.load, lambda strategy: strategy.uses_unlabelled, observer))
    return Listing("strategy", "strategies", "unlabelled", rows)


def _list_rows(
    folder: PluginFolder, load: Callable[[str], type[Kind]], is_marked: Callable[[type[Kind]], bool], observer: Observer
) -> Iterator[Row]:
    for refused in folder.list_refused():
        observer.warn(str(refused))
    for name in folder.names():
        try:
            kind = load(name)
        except Failed as error:
            observer.warn(str(error))
            continue
        yield Row(
            name=name,
            summary=folder.summary(name),
            paper=kind.paper,
            marked=is_marked(kind),
            package=folder.added_by(name),
            hyperparameters=_hyperparameters(kind),
        )


def _hyperparameters(settable: type[Configurable]) -> list[Hyperparameter]:
    values = settable().settings().values()
    pairs = zip(settable.hyperparameters(), values, strict=True)
    return [Hyperparameter(each.name, value, **each.metadata) for each, value in pairs]
