"""What a report shows, as rows that the page and the figures share."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from office31_cli.data.photographs import BoolArray, IntArray
from office31_cli.metrics.calibration import Bin
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.embedding import KINDS
from office31_cli.registry import Entry
from office31_cli.results import Evaluation

if TYPE_CHECKING:
    from office31_cli.workflow.predictions import DomainPredictions


@dataclass(frozen=True, eq=False)
class View:
    """What one model makes of the photographs that the report is about."""

    entry: Entry
    target: "DomainPredictions"
    source: "DomainPredictions | None"
    """Of photographs whose labels the reported model has learnt; None where there are none in its data set."""
    scored: Evaluation | None
    """None where the photographs have no labels."""

    @property
    def right(self) -> BoolArray | None:
        """Which of the photographs (n,) it names rightly; None where that cannot be told."""
        return self.target.predicted == self.target.items if self.scored else None


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same photographs: how many only one of them names rightly, and whether that is chance."""

    only_this: int
    only_other: int
    p_value: float
    """Of McNemar's exact test, two-sided."""


@dataclass(frozen=True)
class Curves:
    """What a training noted after each epoch; not a number where it noted none."""

    losses: dict[str, list[float]]
    validators: dict[str, list[float]]
    """Label-free scores of an adaptation: the larger, the better the epoch should be."""
    accuracies: dict[str, list[float]]
    """By what they were measured on."""
    judge: str | None
    """The validator that was to pick an epoch, if there was one."""
    picked: int | None
    """The epoch that it picked, from 1."""

    @property
    def epochs(self) -> int:
        """How many there were."""
        return max(map(len, (self.losses | self.validators | self.accuracies).values()), default=0)


@dataclass(frozen=True)
class ItemRow:
    """One item's photographs, and the share of them that is named rightly by this model and by the other."""

    item: str
    photographs: int
    accuracy: float
    other: float | None


@dataclass(frozen=True, eq=False)
class DomainPoints:
    """The points (n, 2), in [0, 1], of one domain's photographs, with their items (n,) and which are named rightly."""

    domain: str
    points: FloatArray
    items: IntArray | None
    right: BoolArray | None


@dataclass(frozen=True, eq=False)
class ModelEmbedding:
    """What one model's last layer sees."""

    model: str
    target: DomainPoints
    source: DomainPoints | None
    neighbours: float | None
    """Of the target's photographs, the share whose nearest one of the source, by all features, shows the same item."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """Features on a plane, the other model's first."""

    kind: str
    shared: bool
    """Whether all panels are parts of one picture, so that the same place means the same in each."""
    panels: tuple[ModelEmbedding, ...]

    @property
    def called(self) -> str:
        """The kind in words."""
        return KINDS[self.kind]


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy of one model, as it is or at a temperature."""

    model: str
    bins: list[Bin]
    ece: float
    temperature: float | None
    """None for the probabilities as the network has them."""
    fitted_on: str | None
    """What the temperature was fitted to."""
    own: int
    """How many of the photographs are of those; they are judged as if it had not been."""


@dataclass(frozen=True)
class Picture:
    """A photograph with what the model takes it for."""

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
    """A model in the family's tree, each after its parent and one deeper."""

    depth: int
    name: str
    state: str
    """`stored`, `removed` or `missing`; `left out` stands for `left_out` models that are not shown."""
    row: ModelRow | None
    """None unless it is stored."""
    role: str
    """`this`, `other`, `ancestor` of either, or nothing of these."""
    left_out: int


@dataclass(frozen=True, eq=False)
class ReportContents:
    """All that a report shows of a model, which the page and the figures are drawn from."""

    this: View
    other: View | None
    """The one that it is held against: what it was made from, unless another was asked for."""
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
    """Worst first; none where the photographs have no labels, as for all that follows from these."""
    confusion: IntArray | None
    """Photographs (K, K) of item a taken for item p."""
    embedding: Embedding | None
    """None where there are too few photographs."""
    reliability: list[Reliability]
    galleries: list[Gallery]
    family: list[FamilyMember]
    commands: list[list[str]]
    """To make the model again, each as its words; none where its card does not tell enough."""
    notes: list[str]
    """What the commands need, and which of the models they do not make again to the bit."""

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints beside where it was written."""
        scored, other = self.this.scored, self.other
        return {
            "model": self.this.entry.name,
            "id": self.this.entry.id,
            "split": self.split,
            "photographs": len(self.this.target.photographs),
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
