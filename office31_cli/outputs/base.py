"""An output component: a few columns of the network's last layer, their loss, and how they become predictions."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor


FloatArray: TypeAlias = "npt.NDArray[np.float64]"

PredictedValue: TypeAlias = tuple[str | bool | float, float | None]
"""What is predicted for one photograph, and its probability; None for a kind without probabilities."""

Columns: TypeAlias = "Mapping[str, FloatArray]"
"""Values (n,) by column: a label's number, 0 or 1, or the number itself; NaN where there is no value."""


@dataclass(frozen=True, kw_only=True)
class Output(ABC):
    """One component of what a network predicts; `weight` is that of its loss in the composite's sum.

    Imports no torch before a loss or a prediction is computed.
    """

    name: str
    weight: float = 1.0

    kind: ClassVar[str]
    fixed_columns: ClassVar[tuple[str, ...]] = ()
    """The columns that it always predicts, if these are fixed: such a kind is asked for by its own name."""
    breadth: ClassVar[int] = 100
    """How much else the texts that it accepts could be: a column is of the kind of least breadth that accepts it."""
    headline: ClassVar[str]
    """The most important figure of `score`."""
    unbounded: ClassVar[tuple[str, ...]] = ()
    """The figures of `score` that are no fractions in [0, 1]."""
    description: ClassVar[str] = "the value, in the column's own unit"
    """What a prediction is, for a reader of an exported file."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not 0 < self.weight <= sys.float_info.max:
            raise ValueError("an output needs a name and a positive weight")

    @classmethod
    @abstractmethod
    def for_column(cls, name: str, labels: Mapping[str, tuple[str, ...]]) -> Self:
        """The output for a column; `labels` holds, by column, the labels of each that is a choice."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError where `stored` is something else."""
        given: dict[str, Any] = {field.name: stored[field.name] for field in fields(cls)}
        for key, value in given.items():
            given[key] = tuple(value) if isinstance(value, list) else value
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """As stored in a model's card."""
        return {"kind": self.kind} | {field.name: getattr(self, field.name) for field in fields(self)}

    def with_weight(self, weight: float) -> Self:
        """The same output with another weight."""
        return replace(self, weight=weight)

    @property
    @abstractmethod
    def width(self) -> int:
        """The number of columns of the last layer that it takes."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The labels among which it chooses, in the order of its numbers; empty for other kinds."""
        return ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is trained on and predicts."""
        return self.fixed_columns or (self.name,)

    def with_items(self, items: tuple[str, ...]) -> Self:
        """The output for these items, where it predicts the item; else itself."""
        return self

    def find_rows(self, earlier: "Output") -> "list[int | None] | None":
        """For each of its columns of the last layer that of `earlier` which it continues, or None for a new one.

        None in all where `earlier` is another output.
        """
        same = earlier.with_weight(self.weight) == self
        return list(range(self.width)) if same else None

    def fit(self, columns: "Columns") -> Self:
        """The output with whatever it derives from the values of the training set, such as a number's scale."""
        return self

    def targets(self, columns: "Columns") -> "FloatArray":
        """The targets (n,) of its loss."""
        return columns[self.name]

    @abstractmethod
    def loss(self, raw: "Tensor", targets: "Tensor") -> "Tensor":
        """The mean loss of `raw` (n, width) against `targets` (n,), in float32, before weighting."""

    def smoothed_loss(
        self, raw: "Tensor", targets: "Tensor", smoothing: float, item_weights: "Tensor | None" = None
    ) -> "Tensor":
        """As `loss`, with label smoothing for kinds that have labels.

        An output that predicts the item weights each photograph by its item's weight (K,), if there are any; the mean
        is then divided by the sum of these weights, as torch's `cross_entropy` does it.
        """
        return self.loss(raw, targets)

    @abstractmethod
    def decode(self, raw: "Tensor") -> "dict[str, Tensor]":
        """The predictions for each of `columns` from `raw` (n, width), as the outputs of `by_column` score them."""

    def by_column(self) -> dict[str, "Output"]:
        """For each of `columns` the output that scores its predictions."""
        return {self.name: self}

    @abstractmethod
    def score(self, predicted: "FloatArray", actual: "FloatArray") -> dict[str, float]:
        """Figures of decoded predictions against the actual values (n,), n > 0; fractions in [0, 1] where possible."""

    def predictions(self, decoded: "FloatArray") -> list[PredictedValue]:
        """The predicted value of each photograph; by default the decoded number itself."""
        return [(value, None) for value in decoded.tolist()]

    @classmethod
    def accepts(cls, texts: set[str]) -> bool:
        """Whether a column with these texts can be of this kind."""
        return False

    @classmethod
    def parse_column(cls, texts: Sequence[str]) -> tuple[list[float], tuple[str, ...]]:
        """A column's texts as numbers, and the labels that they number; raises `Unreadable` where one is no value."""
        raise NotImplementedError


class Unreadable(ValueError):
    """A text that is no value of a kind; `place` is its position."""

    def __init__(self, place: int, why: str) -> None:
        super().__init__(why)
        self.place = place
