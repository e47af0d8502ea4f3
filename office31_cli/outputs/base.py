"""What one output component is: a few numbers of the network's last layer, their loss, and how they are read."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor


FloatArray: TypeAlias = "npt.NDArray[np.float64]"

Verdict: TypeAlias = tuple[str | bool | float, float | None]
"""What an answer about one photograph comes down to, and its probability; None where the kind has none."""

Columns: TypeAlias = "Mapping[str, FloatArray]"
"""Values (n,) by column: a label's number, 0 or 1, or the number itself; not a number where there is no value."""


@dataclass(frozen=True, kw_only=True)
class Output(ABC):
    """One component of what a network answers; `weight` is that of its loss in the composite's sum.

    Imports no torch before a loss or an answer is computed.
    """

    name: str
    weight: float = 1.0

    kind: ClassVar[str]
    fixed_columns: ClassVar[tuple[str, ...]] = ()
    """The columns that it always answers, if that is fixed: such a kind is asked for by its own name."""
    breadth: ClassVar[int] = 100
    """How much else could be meant by texts that fit: a column is of the narrowest kind."""
    headline: ClassVar[str]
    """The one figure of `score` that says most."""
    unbounded: ClassVar[tuple[str, ...]] = ()
    """The figures of `score` that are no fractions in [0, 1]."""
    description: ClassVar[str] = "the value, in the column's own unit"
    """What an answer is, for whoever has nothing but an exported file."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not 0 < self.weight <= sys.float_info.max:
            raise ValueError("an output needs a name and a positive weight")

    @classmethod
    @abstractmethod
    def for_column(cls, name: str, labels: Mapping[str, tuple[str, ...]]) -> Self:
        """The output for a column; `labels` holds, by column, the names of its values where these are a choice."""

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
        """How many numbers of the last layer it takes."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The names among which it chooses, in the order of its numbers."""
        return ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it learns from and answers."""
        return self.fixed_columns or (self.name,)

    def fit(self, columns: "Columns") -> Self:
        """The output with what it has to know of the values that are learnt from, once and for all."""
        return self

    def targets(self, columns: "Columns") -> "FloatArray":
        """What its loss compares with, (n,)."""
        return columns[self.name]

    @abstractmethod
    def loss(self, raw: "Tensor", targets: "Tensor") -> "Tensor":
        """The mean loss of `raw` (n, width) against `targets` (n,), in float32, before weighting."""

    def smoothed_loss(self, raw: "Tensor", targets: "Tensor", smoothing: float) -> "Tensor":
        """As `loss`, with this share of a label's certainty spread over all labels, for a kind that has labels."""
        return self.loss(raw, targets)

    @abstractmethod
    def decode(self, raw: "Tensor") -> "dict[str, Tensor]":
        """What `raw` (n, width) says about each of `columns`, in the form that `readers` score."""

    def decode_array(self, raw: "FloatArray") -> dict[str, "FloatArray"]:
        """As `read`, of an array."""
        return decode_numpy(self.decode, raw)

    def by_column(self) -> dict[str, "Output"]:
        """Who scores and tells the answer about each of `columns`."""
        return {self.name: self}

    @abstractmethod
    def score(self, answer: "FloatArray", actual: "FloatArray") -> dict[str, float]:
        """What an answer is worth against the actual values (n,), n > 0; fractions in [0, 1] where it can be."""

    def predictions(self, answer: "FloatArray") -> list[Verdict]:
        """What an answer comes down to, photograph by photograph; unless a kind knows better, the number itself."""
        return [(value, None) for value in answer.tolist()]

    @classmethod
    def accepts(cls, texts: set[str]) -> bool:
        """Whether a column that holds these texts can be of this kind."""
        return False

    @classmethod
    def parse_column(cls, texts: Sequence[str]) -> tuple[list[float], tuple[str, ...]]:
        """A column's texts as numbers, and the labels that they number; raises `Unreadable` where one is not."""
        raise NotImplementedError


def decode_numpy(read: "Callable[[Tensor], dict[str, Tensor]]", raw: "FloatArray") -> dict[str, "FloatArray"]:
    """What `read` makes of an array (n, width), in its precision."""
    import torch

    return {column: answer.numpy() for column, answer in read(torch.from_numpy(raw)).items()}


class Unreadable(ValueError):
    """A text is no value of a kind; `place` is its position."""

    def __init__(self, place: int, why: str) -> None:
        super().__init__(why)
        self.place = place
