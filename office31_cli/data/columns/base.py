"""What a column of a data set consists of."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from office31_cli.data.data_set import DataSet
from office31_cli.outputs import notation

if TYPE_CHECKING:
    from office31_cli.data.photographs import BoolArray, Photographs
    from office31_cli.outputs.base import FloatArray


class Column(notation.Column, Protocol):
    """One value of every photograph of a data set. Imports no numpy before values are asked for."""

    @property
    def name(self) -> str:
        """What it is called in `--outputs`."""

    def values(self, photographs: "Photographs") -> "FloatArray":
        """The values (n,) of a domain's photographs: a label's number, 1 for yes and 0 for no, or the number.

        Raises `Misuse` where one has no value, by `known_mask`.
        """

    def known_mask(self, photographs: "Photographs") -> "BoolArray":
        """Which of the photographs (n,) have a value."""


@dataclass(frozen=True)
class DerivedColumn(ABC):
    """A `Column` that follows from the data set itself, named as its file is."""

    data: DataSet

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """The name of the file that it is written in."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels to choose from; none where the column is no choice."""
        return ()

    def is_offered(self) -> bool:
        """Whether the data set has it."""
        return True

    @abstractmethod
    def values(self, photographs: "Photographs") -> "FloatArray":
        """As `Column.values`."""

    def known_mask(self, photographs: "Photographs") -> "BoolArray":
        """All of them."""
        import numpy as np

        return np.ones(len(photographs), dtype=np.bool_)


def values_or_nan(column: Column, photographs: "Photographs") -> "FloatArray":
    """The values (n,) of a domain's photographs, NaN where there is none."""
    import numpy as np

    known = column.known_mask(photographs)
    values = np.full(len(photographs), np.nan)
    values[known] = column.values(photographs.subset(known))
    return values
