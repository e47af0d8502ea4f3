"""Accuracies on a data set that others published: one row a method and network, in a CSV file."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_NAME_HERE = {"source only": "erm", "cdan+e": "cdan"}
"""What a published method is called here, where that differs by more than its letters' case."""

_NEAREST = {
    "alexnet": "AlexNet",
    "squeezenet1_0": "AlexNet",  # made to be as accurate as AlexNet, in fewer weights
    "squeezenet1_1": "AlexNet",
    "resnet50": "ResNet-50",
}
"""The network in published tables that comes nearest to a backbone."""

_FAIREST = ("last iteration", "unknown")
"""Ways to choose the epoch that is scored, those that need no label of the target first."""

_ABOUT = ("method", "backbone", "selection", "source")
_SETTING = "setting"
"""These columns hold no figure; a file without `setting` is of the closed one."""


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table; figures are fractions, accuracies or, where the target has unknown items, HOS."""

    setting: str
    """`closed`, `partial`, `open` or `universal`."""
    method: str
    backbone: str
    tasks: dict[str, float]
    """By task as it is written here: `A-W`; without those that were not published."""
    average: float
    selection: str
    """Which epoch was scored."""
    source: str

    @property
    def name(self) -> str:
        """What the method is called here, if it is here."""
        lowered = self.method.lower()
        return _NAME_HERE.get(lowered, lowered)


def read_published(path: Path) -> list[PublishedRow]:
    """The rows of a file: who measured what in which setting, percentages by task, and their `average`."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [_parse_row(fields) for fields in csv.DictReader(stream)]


def rows_of_network(rows: Iterable[PublishedRow], network: str, setting: str = "closed") -> list[PublishedRow]:
    """A setting's rows measured with a network, such as `AlexNet` in whatever case, in their order."""
    return [row for row in rows if row.setting == setting and row.backbone.lower() == network.lower()]


def choose_by_method(rows: Iterable[PublishedRow]) -> dict[str, PublishedRow]:
    """By our name for the method its row; of several the one whose epoch was chosen with the fewest labels."""
    chosen: dict[str, PublishedRow] = {}
    for row in sorted(rows, key=lambda row: (*_FAIREST, row.selection).index(row.selection)):
        chosen.setdefault(row.name, row)
    return chosen


def nearest_network(backbone: str) -> str | None:
    """The network in published tables that comes nearest to one of torchvision's, if any does."""
    return _NEAREST.get(backbone)


def _parse_row(fields: dict[str, str]) -> PublishedRow:
    percentages = {name: float(text) / 100 for name, text in fields.items() if text and name not in (*_ABOUT, _SETTING)}
    average, setting = percentages.pop("average"), fields.get(_SETTING) or "closed"
    return PublishedRow(setting, **{name: fields[name] for name in _ABOUT}, tasks=percentages, average=average)
