"""A choice among several labels: softmax and cross-entropy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from office31_cli.outputs.base import Output, PredictedValue

if TYPE_CHECKING:
    from torch import Tensor

    from office31_cli.outputs.base import FloatArray


@dataclass(frozen=True, kw_only=True)
class Kind(Output):
    """One logit a label."""

    labels: tuple[str, ...]

    kind: ClassVar[str] = "choice"
    breadth: ClassVar[int] = 2
    headline: ClassVar[str] = "accuracy"
    description: ClassVar[str] = "the probability of each label"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.labels, tuple):
            raise TypeError(f"{self.name} has labels that are no list")
        if not self.labels or len(set(self.labels)) < len(self.labels):
            raise ValueError(f"{self.name} needs labels that differ")
        if not all(isinstance(label, str) for label in self.labels):
            raise TypeError(f"{self.name} has a label that is no text")

    @classmethod
    def for_column(cls, name: str, labels: Mapping[str, tuple[str, ...]]) -> Self:
        """A choice among the column's labels."""
        return cls(name=name, labels=labels[name])

    @property
    def width(self) -> int:
        """One logit a label."""
        return len(self.labels)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The labels."""
        return self.labels

    def with_items(self, items: tuple[str, ...]) -> Self:
        """As `Output.with_items`."""
        return replace(self, labels=items) if self.name == "item" else self

    def find_rows(self, earlier: Output) -> list[int | None] | None:
        """As `Output.find_rows`: a choice among fewer labels is continued."""
        if not isinstance(earlier, Kind) or earlier.name != self.name or not set(earlier.labels) <= set(self.labels):
            return None
        places: dict[str, int] = {label: place for place, label in enumerate(earlier.labels)}
        return [places.get(label) for label in self.labels]

    def loss(self, raw: "Tensor", targets: "Tensor") -> "Tensor":
        """Cross-entropy."""
        return self.smoothed_loss(raw, targets, 0.0)

    def smoothed_loss(
        self, raw: "Tensor", targets: "Tensor", smoothing: float, item_weights: "Tensor | None" = None
    ) -> "Tensor":
        """As `Output.smoothed_loss` (Szegedy and others 2016, section 7)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(raw, targets.long(), weight=item_weights, label_smoothing=smoothing)

    def decode(self, raw: "Tensor") -> "dict[str, Tensor]":
        """Probabilities (n, labels)."""
        return {self.name: raw.softmax(1)}

    def score(self, predicted: "FloatArray", actual: "FloatArray") -> dict[str, float]:
        """Accuracy, its mean over labels, and the expected calibration error of probabilities (n, labels)."""
        from office31_cli.metrics.accuracy import accuracy, macro_accuracy
        from office31_cli.metrics.calibration import expected_calibration_error

        likeliest, labels = predicted.argmax(1), actual.astype(int)
        return {
            "accuracy": accuracy(likeliest, labels),
            "macro_accuracy": macro_accuracy(likeliest, labels),
            "ece": expected_calibration_error(predicted, labels),
        }

    def predictions(self, decoded: "FloatArray") -> list[PredictedValue]:
        """The likeliest label of each photograph."""
        pairs = zip(decoded.argmax(1).tolist(), decoded.max(1).tolist(), strict=True)
        return [(self.labels[place], probability) for place, probability in pairs]

    @classmethod
    def accepts(cls, texts: set[str]) -> bool:
        """Anything can be a label."""
        return True

    @classmethod
    def parse_column(cls, texts: Sequence[str]) -> tuple[list[float], tuple[str, ...]]:
        """The labels in alphabetical order."""
        labels = tuple(sorted(set(texts)))
        numbers = {label: float(number) for number, label in enumerate(labels)}
        return [numbers[text] for text in texts], labels
