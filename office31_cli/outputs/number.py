"""A number: squared error on standardised values, predicted in the column's own unit."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from office31_cli.errors import Misuse
from office31_cli.outputs.base import Output, Unreadable
from office31_cli.text import printable

if TYPE_CHECKING:
    from torch import Tensor

    from office31_cli.outputs.base import Columns, FloatArray

GAIN = 0.25
"""Standardised values per unit of the last layer's output: without it the curvature of the squared error is so much
larger than a cross-entropy's that a learning rate which suits the one makes the other diverge."""

LARGEST = 1e18
"""Standardised values beyond this cannot be squared in single precision."""


@dataclass(frozen=True, kw_only=True)
class Kind(Output):
    """One number: the last layer times `GAIN` is the value standardised by the training set's mean and deviation."""

    mean: float | None = None
    std: float | None = None

    kind: ClassVar[str] = "number"
    breadth: ClassVar[int] = 1
    headline: ClassVar[str] = "r2"
    unbounded: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2")

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.mean is None) != (self.std is None):
            raise ValueError(f"{self.name} has half a scale")
        for number in (self.mean, self.std):
            if number is not None and not abs(number) <= sys.float_info.max:
                raise ValueError(f"{self.name} has a scale that is not finite")
        if self.std is not None and self.std <= 0:
            raise ValueError(f"{self.name} has a scale that is not positive")

    @classmethod
    def for_column(cls, name: str, labels: Mapping[str, tuple[str, ...]]) -> Self:
        """The column's number, not yet scaled."""
        return cls(name=name)

    @property
    def width(self) -> int:
        """One number."""
        return 1

    def fit(self, columns: "Columns") -> Self:
        """With the values' mean and standard deviation, unless it has some; `Misuse` where these are not finite."""
        if self.mean is not None:
            return self
        import numpy as np

        values = columns[self.name]
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = float(values.mean()), math.sqrt(_variance(values)) or 1.0
        if not (math.isfinite(mean) and math.isfinite(std)):
            raise self._too_large()
        return replace(self, mean=mean, std=std)

    def targets(self, columns: "Columns") -> "FloatArray":
        """The standardised values (n,); raises `Misuse` where single precision cannot square them."""
        import numpy as np

        mean, std = self._scale()
        with np.errstate(over="ignore"):
            standardised = (columns[self.name] - mean) / std
        if abs(standardised).max(initial=0.0) > LARGEST:
            raise self._too_large()
        return standardised

    def loss(self, raw: "Tensor", targets: "Tensor") -> "Tensor":
        """The mean squared error."""
        from torch.nn.functional import mse_loss

        return mse_loss(GAIN * raw[:, 0], targets)

    def decode(self, raw: "Tensor") -> "dict[str, Tensor]":
        """The values (n,) in the column's unit."""
        mean, std = self._scale()
        return {self.name: GAIN * raw[:, 0] * std + mean}

    def score(self, predicted: "FloatArray", actual: "FloatArray") -> dict[str, float]:
        """Mean absolute error, root mean squared error, and R2.

        R2 is at most 1, negative for predictions worse than the mean, and NaN where all actual values are equal.
        """
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):  # the square of a large error may be infinite
            error = predicted - actual
            absolute, squared, variance = float(abs(error).mean()), float((error**2).mean()), _variance(actual)
        return {
            "mae": absolute,
            "rmse": math.sqrt(squared),
            "r2": 1 - squared / variance if variance else math.nan,
        }

    @classmethod
    def accepts(cls, texts: set[str]) -> bool:
        """Whether all are finite numbers."""
        return all(_number(text) is not None for text in texts)

    @classmethod
    def parse_column(cls, texts: Sequence[str]) -> tuple[list[float], tuple[str, ...]]:
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

    def _too_large(self) -> Misuse:
        return Misuse(
            f"output {printable(self.name)}", "its numbers are too large to be scaled", "state them in another unit"
        )


def _variance(values: "FloatArray") -> float:
    """The variance; exactly 0 where all values are equal, in spite of rounding."""
    return float(values.var()) if values.min() < values.max() else 0.0


def _number(text: str) -> float | None:
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
