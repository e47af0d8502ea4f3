"""Office-31 accuracies that others published, from `published.csv`: one row a method and network."""

import csv
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("published.csv")

_SAME = {"source only": "erm", "cdan+e": "cdan"}
"""What a published method is called here, where that differs by more than its letters' case."""

_NEAREST = {
    "alexnet": "AlexNet",
    "squeezenet1_0": "AlexNet",  # made to be as accurate as AlexNet, in fewer weights
    "squeezenet1_1": "AlexNet",
    "resnet50": "ResNet-50",
}
"""The network with published rows that comes nearest to a backbone."""

_FAIREST = ("last iteration", "unknown")
"""Ways to choose the epoch that is scored, those that need no label of the target first."""


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table; accuracies are fractions."""

    method: str
    backbone: str
    tasks: dict[str, float]
    """By task as it is written here: `A-W`."""
    average: float
    selection: str
    """Which epoch was scored."""
    source: str

    @property
    def name(self) -> str:
        """What the method is called here, if it is here."""
        lowered = self.method.lower()
        return _SAME.get(lowered, lowered)


def read_published(backbone: str | None = None) -> list[PublishedRow]:
    """The rows for a network, such as `AlexNet`, in the file's order; all of them without one."""
    with _FILE.open(encoding="utf-8", newline="") as stream:
        rows = [_row(fields) for fields in csv.DictReader(stream)]
    return [row for row in rows if backbone is None or row.backbone.lower() == backbone.lower()]


def choose_by_method(backbone: str) -> dict[str, PublishedRow]:
    """By our name for the method its row for a network; of several the one whose epoch was chosen most fairly."""
    found: dict[str, PublishedRow] = {}
    for row in sorted(read_published(backbone), key=lambda row: (*_FAIREST, row.selection).index(row.selection)):
        found.setdefault(row.name, row)
    return found


def nearest_network(backbone: str) -> str | None:
    """The network with published rows that comes nearest to one of torchvision's, if any does."""
    return _NEAREST.get(backbone)


def published_networks() -> tuple[str, ...]:
    """The networks that there are rows for."""
    return tuple(dict.fromkeys(row.backbone for row in read_published()))


def _row(fields: dict[str, str]) -> PublishedRow:
    tasks = {name: float(text) / 100 for name, text in fields.items() if len(name) == 3 and name[1] == "-"}
    told = {name: fields[name] for name in ("method", "backbone", "selection", "source")}
    return PublishedRow(**told, tasks=tasks, average=float(fields["average"]) / 100)
