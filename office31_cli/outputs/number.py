"""A number: squared error on standardised values, read in the column's own unit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from office31_cli.outputs.base import Output, Unreadable

if TYPE_CHECKING:
    from torch import Tensor

    from office31_cli.outputs.base import Columns, FloatArray

GAIN = 0.25
"""Standardised values a unit of the last layer: the squared error would else curve so much more than a cross-entropy
that a learning rate which suits the one makes the other diverge."""


@dataclass(frozen=True, kw_only=True)
class Kind(Output):
    """One number: `(value - mean) / std`, by the mean and standard deviation of what is learnt from, over `GAIN`."""

    mean: float | None = None
    std: float | None = None

    kind: ClassVar[str] = "number"
    breadth: ClassVar[int] = 1
    headline: ClassVar[str] = "r2"
    plain: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2")

    def __post_init__(self) -> None:
        super().__post_init__()
        for number in (self.mean, self.std):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"{self.name} has a scale that is not finite")
        if self.std is not None and self.std <= 0:
            raise ValueError(f"{self.name} has a scale that is not positive")

    @classmethod
    def of(cls, name: str, labels: Mapping[str, tuple[str, ...]]) -> Self:
        """The column's number, its scale not known yet."""
        return cls(name=name)

    @property
    def width(self) -> int:
        """One number."""
        return 1

    def fitted(self, columns: "Columns") -> Self:
        """The scale of the values; one that is known already is kept."""
        if self.mean is not None:
            return self
        values = columns[self.name]
        return replace(self, mean=float(values.mean()), std=float(values.std()) or 1.0)

    def targets(self, columns: "Columns") -> "FloatArray":
        """The standardised values (n,)."""
        mean, std = self._scale()
        return (columns[self.name] - mean) / std

    def loss(self, raw: "Tensor", targets: "Tensor") -> "Tensor":
        """The mean squared error."""
        from torch.nn.functional import mse_loss

        return mse_loss(GAIN * raw[:, 0], targets)

    def answers(self, raw: "FloatArray") -> dict[str, "FloatArray"]:
        """The values (n,) in the column's unit."""
        mean, std = self._scale()
        return {self.name: GAIN * raw[:, 0] * std + mean}

    def score(self, answer: "FloatArray", actual: "FloatArray") -> dict[str, float]:
        """Mean absolute error, root of the mean squared error, and the share of the variance that is explained.

        The latter (R2) is at most 1, below 0 for what is worse than the mean, and not a number where all are alike.
        """
        squared = float(((answer - actual) ** 2).mean())
        spread = float(actual.var())
        return {
            "mae": float(abs(answer - actual).mean()),
            "rmse": math.sqrt(squared),
            "r2": 1 - squared / spread if spread else math.nan,
        }

    @classmethod
    def fits(cls, texts: set[str]) -> bool:
        """Only finite numbers."""
        return all(_number(text) is not None for text in texts)

    @classmethod
    def values(cls, texts: Sequence[str]) -> tuple[list[float], tuple[str, ...]]:
        """The numbers as they are."""
        numbers = []
        for place, text in enumerate(texts):
            number = _number(text)
            if number is None:
                raise Unreadable(place, "is not a finite number")
            numbers.append(number)
        return numbers, ()

    def _scale(self) -> tuple[float, float]:
        if self.mean is None or self.std is None:
            raise ValueError(f"{self.name} has not been fitted")
        return self.mean, self.std


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
