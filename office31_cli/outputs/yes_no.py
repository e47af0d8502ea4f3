"""A yes/no column: logistic function and binary cross-entropy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from office31_cli.outputs.base import Output, PredictedValue, Unreadable

if TYPE_CHECKING:
    from torch import Tensor

    from office31_cli.outputs.base import FloatArray

_TEXTS = {"yes": 1.0, "true": 1.0, "1": 1.0, "no": 0.0, "false": 0.0, "0": 0.0}


@dataclass(frozen=True, kw_only=True)
class Kind(Output):
    """One logit: above zero means yes."""

    kind: ClassVar[str] = "yes/no"
    breadth: ClassVar[int] = 0
    headline: ClassVar[str] = "accuracy"
    description: ClassVar[str] = "the probability of yes"

    @classmethod
    def for_column(cls, name: str, labels: Mapping[str, tuple[str, ...]]) -> Self:
        """Yes or no, for the column."""
        return cls(name=name)

    @property
    def width(self) -> int:
        """One logit."""
        return 1

    def loss(self, raw: "Tensor", targets: "Tensor") -> "Tensor":
        """Binary cross-entropy."""
        return self.smoothed_loss(raw, targets, 0.0)

    def smoothed_loss(
        self, raw: "Tensor", targets: "Tensor", smoothing: float, item_weights: "Tensor | None" = None
    ) -> "Tensor":
        """As `Output.smoothed_loss`: targets move towards 0.5 by this share."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(raw[:, 0], targets + smoothing * (0.5 - targets))

    def decode(self, raw: "Tensor") -> "dict[str, Tensor]":
        """The probability (n,) of yes."""
        return {self.name: raw[:, 0].sigmoid()}

    def score(self, predicted: "FloatArray", actual: "FloatArray") -> dict[str, float]:
        """Accuracy, and the recall of yes and of no: NaN where none is actual."""
        correct = (predicted > 0.5) == (actual > 0.5)
        parts = {"recall_yes": correct[actual > 0.5], "recall_no": correct[actual <= 0.5]}
        recalls = {name: float(part.mean()) if len(part) else float("nan") for name, part in parts.items()}
        return {"accuracy": float(correct.mean())} | recalls

    def predictions(self, decoded: "FloatArray") -> list[PredictedValue]:
        """True for yes, with the probability of the predicted value."""
        return [(yes > 0.5, max(yes, 1 - yes)) for yes in decoded.tolist()]

    @classmethod
    def accepts(cls, texts: set[str]) -> bool:
        """Whether all are yes, no, true, false, 1 or 0, in upper or lower case."""
        return {text.lower() for text in texts} <= _TEXTS.keys()

    @classmethod
    def parse_column(cls, texts: Sequence[str]) -> tuple[list[float], tuple[str, ...]]:
        """Yes is 1."""
        numbers = []
        for place, text in enumerate(texts):
            if text.lower() not in _TEXTS:
                raise Unreadable(place, "is neither yes nor no")
            numbers.append(_TEXTS[text.lower()])
        return numbers, ()
