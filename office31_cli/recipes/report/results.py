"""What a report shows; the page and the figures are drawn from it."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from office31_cli.data.photographs import UNKNOWN, BoolArray, IntArray
from office31_cli.metrics.calibration import Bin
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.embedding import KINDS
from office31_cli.registry import Entry
from office31_cli.results import Evaluation
from office31_cli.workflow.item_sets import describe_left_out

if TYPE_CHECKING:
    from office31_cli.workflow.predictions import DomainPredictions


@dataclass(frozen=True, eq=False)
class View:
    """One model's predictions for the photographs that the report is about."""

    entry: Entry
    target: "DomainPredictions"
    labels: tuple[str | None, ...]
    """The item that each of these photographs (n,) is labelled with, whether or not the model knows it."""
    source: "DomainPredictions | None"
    """Predictions for photographs that the reported model was trained on; None where its data set has none."""
    scored: Evaluation | None
    """None where the photographs have no labels."""

    @property
    def right(self) -> BoolArray | None:
        """Which photographs (n,) are classified correctly; None without labels."""
        return self.target.predicted == self.target.items if self.scored else None

    @property
    def wrong(self) -> BoolArray:
        """Which photographs (n,) of the model's items are classified as another one."""
        wrong: BoolArray = self.target.photographs.is_known & (self.target.predicted != self.target.items)
        return wrong

    @property
    def unknown(self) -> int:
        """How many photographs show none of the model's items."""
        return int(self.target.photographs.is_unknown.sum())

    @property
    def unlabelled(self) -> int:
        """How many photographs have no label."""
        return sum(label is None for label in self.labels)

    @property
    def left_out(self) -> str:
        """Which photographs the score is not about, in words; empty where it is about all of them."""
        return describe_left_out(self.labels, self.entry.card.items) if self.scored else ""


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same photographs: how many only one of them classifies correctly, and the p-value."""

    only_this: int
    only_other: int
    p_value: float
    """Of McNemar's exact test, two-sided."""


@dataclass(frozen=True)
class Curves:
    """What was measured after each epoch of a training; NaN where a value is missing."""

    losses: dict[str, list[float]]
    validators: dict[str, list[float]]
    """Scores of the label-free validators of an adaptation, the larger the better."""
    accuracies: dict[str, list[float]]
    """By the set that they were measured on."""
    judge: str | None
    """The validator that picks an epoch, if there is one."""
    picked: int | None
    """The epoch that it picked, from 1."""

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return max(map(len, (self.losses | self.validators | self.accuracies).values()), default=0)


@dataclass(frozen=True)
class ItemRow:
    """An item's photographs, and the accuracy on them of this model and of the other."""

    item: str
    photographs: int
    accuracy: float
    other: float | None


@dataclass(frozen=True, eq=False)
class DomainPoints:
    """Points (n, 2), in [0, 1], of a domain's photographs, their items (n,), and which are correct (n,)."""

    domain: str
    points: FloatArray
    items: IntArray | None
    """As in `Photographs.items`."""
    right: BoolArray | None

    @property
    def groups(self) -> tuple[BoolArray, BoolArray, BoolArray]:
        """Which photographs (n,) are classified wrongly, show none of the model's items, and neither of both."""
        if self.items is None or self.right is None:
            nothing = np.zeros(len(self.points), dtype=np.bool_)
            return nothing, nothing, ~nothing
        wrong, unknown = (self.items >= 0) & ~self.right, self.items == UNKNOWN
        return wrong, unknown, ~(wrong | unknown)


@dataclass(frozen=True, eq=False)
class ModelEmbedding:
    """The features of one model's last layer, as points."""

    model: str
    target: DomainPoints
    source: DomainPoints | None
    neighbours: float | None
    """Of the target's photographs, the share whose nearest one of the source, by all features, shows the same item."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """Features on a plane, for one model or two, the other model's first."""

    kind: str
    shared: bool
    """Whether all panels share one plane, so that the same place means the same in each."""
    panels: tuple[ModelEmbedding, ...]

    @property
    def called(self) -> str:
        """The kind of embedding in words."""
        return KINDS[self.kind]


@dataclass(frozen=True)
class Reliability:
    """One model's accuracy by confidence, as it is or at a temperature."""

    model: str
    bins: list[Bin]
    ece: float
    temperature: float | None
    """None for the probabilities as the network has them."""
    fitted_on: str | None
    """The photographs that the temperature was fitted on."""
    own: int
    """How many of the scored photographs are among those; each is scored at a temperature fitted without it."""


@dataclass(frozen=True)
class Picture:
    """A photograph with the model's prediction."""

    file: str
    image: bytes
    """A small JPEG."""
    actual: str | None
    predicted: str
    confidence: float


@dataclass(frozen=True)
class Gallery:
    """Photographs worth a look, and why."""

    title: str
    meaning: str
    pictures: list[Picture]


@dataclass(frozen=True)
class FamilyMember:
    """A model in the family's tree; members follow their parent, one deeper."""

    depth: int
    name: str
    state: str
    """`stored`, `removed` or `missing`; `left out` stands for `left_out` models that are not shown."""
    row: ModelRow | None
    """None unless it is stored."""
    role: str
    """`this`, `other`, `ancestor` of one of the two, or empty."""
    left_out: int


@dataclass(frozen=True, eq=False)
class ReportContents:
    """All that a report shows of a model, which the page and the figures are drawn from."""

    this: View
    other: View | None
    """The model that it is compared with: what it was made from, unless another was asked for."""
    compared: bool
    """Whether the other was asked for."""
    alone: str
    """Why there is no other."""
    data: str
    items: tuple[str, ...]
    split: str
    paired: PairedTest | None
    curves: Curves
    per_item: list[ItemRow]
    """The lowest accuracy first; empty where the photographs have no labels."""
    confusion: IntArray | None
    """Counts (K, K): photographs of item i predicted as item j; None without labels."""
    embedding: Embedding | None
    """None where there are too few photographs."""
    reliability: list[Reliability]
    galleries: list[Gallery]
    family: list[FamilyMember]
    commands: list[list[str]]
    """The commands that make the model again, each as its words; none where its card does not record enough."""
    notes: list[str]
    """What the commands need, and which models they do not make again to the bit."""

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints, without the files."""
        scored, other = self.this.scored, self.other
        return {
            "model": self.this.entry.name,
            "id": self.this.entry.id,
            "split": self.split,
            "photographs": len(self.this.target.photographs),
            "unknown": self.this.unknown,
            "unlabelled": self.this.unlabelled,
            "accuracy": scored.accuracy if scored else None,
            "ci95": scored.ci95 if scored else None,
            "labels_used": self.this.entry.card.labels_used,
            "other": None
            if other is None
            else {
                "model": other.entry.name,
                "id": other.entry.id,
                "accuracy": other.scored.accuracy if other.scored else None,
                "ci95": other.scored.ci95 if other.scored else None,
                "seen": int(other.target.seen.sum()),
            },
            "paired": asdict(self.paired) if self.paired else None,
            "embedding": self.embedding.kind if self.embedding else None,
            "commands": [shlex.join(words) for words in self.commands],
        }


@dataclass(frozen=True)
class SavedReport:
    """A report whose page or figures were written, and the files."""

    report: ReportContents
    paths: list[Path]

    def to_json(self) -> dict[str, Any]:
        """The object that `report --json` and `figures --json` print."""
        files = [{"path": str(path), "bytes": path.stat().st_size} for path in self.paths]
        return self.report.to_json() | {"files": files}
