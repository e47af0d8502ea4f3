"""What `doctor` returns; `to_json` is what `--json` prints."""

from dataclasses import asdict, dataclass
from typing import Any

from office31_cli.data.duplicates import Group
from office31_cli.metrics.forecast import NEGLIGIBLE, ForecastInputs, GainForecast
from office31_cli.recipes.doctor.machine import Machine

FOLDS = 5
"""Each photograph is predicted by a head that was trained on the other four fifths."""


@dataclass(frozen=True)
class LabelIssue:
    """A photograph whose label is probably wrong, with the item that is more likely."""

    file: str
    item: str
    likelier: str
    margin: float
    """By how much, from 0 to 1."""


@dataclass(frozen=True)
class DomainInventory:
    """What a domain holds."""

    photographs: int
    labelled: int
    """Those that have a label, whatever it says."""
    items: dict[str, int] | None
    """Photographs of each of the data set's items; None where the labels are absent or were not to be looked at."""
    missing: list[str] | None
    """Items without a readable photograph; None as above."""
    unknown: dict[str, int] | None
    """Photographs of each item that is not among these: the source has none of it; None as above."""
    unreadable: list[str] | None
    """Files that cannot be decoded; None where pictures were not decoded."""
    doubts: list[LabelIssue] | None
    """Label issues, the most likely first; None where labels were not read."""

    @property
    def shown(self) -> list[str] | None:
        """The items that its labels name; None where these are absent or were not to be looked at."""
        if self.items is None:
            return None
        return sorted([*(item for item, count in self.items.items() if count), *(self.unknown or ())])


@dataclass(frozen=True)
class DataInventory:
    """Whether a data set is in order."""

    dataset: str
    root: str
    items: int
    """Of all domains; where a source was named, those of the source."""
    domains: dict[str, DomainInventory]
    identical: list[Group]
    """Byte-identical photographs."""
    near: list[Group] | None
    """Near duplicates; None where pictures were not decoded."""


@dataclass(frozen=True)
class Distance:
    """How far the target lies from the source, and beside it two halves of the source from each other."""

    a_distance: float
    a_distance_within: float
    mmd2: float
    mmd2_within: float


@dataclass(frozen=True)
class LabelShift:
    """How far the items' shares in the target seem to be from those in the source."""

    total_variation: float
    interval: tuple[float, float]
    """Nine of ten samples of the target's photographs lie in it."""
    noise: float
    """What nine of ten pseudo-shifts without any label shift stayed below."""
    shares: dict[str, tuple[float, float]]
    """By item the share in the source and the one estimated for the target."""

    @property
    def shown(self) -> bool:
        """Whether it is more than what is read where there is none."""
        return self.interval[0] > self.noise


@dataclass(frozen=True)
class ItemSetForecast:
    """Which of the source's items the target seems to show, and what else, by what `adapt` decides its setting by."""

    setting: str
    """`closed`, `partial`, `open` or `universal`: what `adapt` would choose."""
    evidence: dict[str, Any] | None
    """What it is decided by; None where there are too few photographs to decide it."""
    items: int
    """Those of the source."""
    shown: list[str]
    """Those of them that the target seems to show."""
    unknown: float | None
    """The share of the target's photographs that seem to show none of them; None where all seem to show one."""
    misplaced: float | None
    """The share that heads adapted as if all items were there call one that seems absent; None where none seems so."""

    @property
    def closed_loses(self) -> bool:
        """Whether adapting as if all items were there would lose."""
        return self.misplaced is not None and self.misplaced > NEGLIGIBLE


@dataclass(frozen=True)
class Forecast:
    """What `adapt` is expected to do here."""

    method: str
    estimate: GainForecast
    signs: ForecastInputs
    seconds: float
    """That adapting takes here, on features that are there."""
    features: int
    """Photographs that pass through the network first, where their features are not there yet."""
    photographs_per_second: float


@dataclass(frozen=True)
class Examination:
    """The result of an examination; None for what was not examined."""

    machine: Machine
    source: str | None
    target: str | None
    model: str | None
    """The stored model that was examined; None where a head was trained for this, or no network was needed."""
    backbone: str | None
    data: DataInventory | None
    distance: Distance | None
    label_shift: LabelShift | None
    item_sets: ItemSetForecast | None
    forecast: Forecast | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The object that `office31 doctor --json` prints."""
        told = asdict(self)
        if self.forecast is not None:
            told["forecast"] |= {"verdict": self.forecast.estimate.verdict} | told["forecast"].pop("estimate")
        if self.label_shift is not None:
            told["label_shift"]["shown"] = self.label_shift.shown
        if self.item_sets is not None:
            told["item_sets"]["closed_loses"] = self.item_sets.closed_loses
        return told
