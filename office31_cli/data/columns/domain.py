"""domain: which camera took the photograph."""

from typing import TYPE_CHECKING

from office31_cli.data.columns import base

if TYPE_CHECKING:
    from office31_cli.data.photographs import Photographs
    from office31_cli.outputs.base import FloatArray


class Column(base.DerivedColumn):
    """The domain that the photograph belongs to."""

    kind = "choice"

    @property
    def labels(self) -> tuple[str, ...]:
        """The data set's domains."""
        return self.data.domains

    def values(self, photographs: "Photographs") -> "FloatArray":
        """The domain's number, n times."""
        import numpy as np

        return np.full(len(photographs), float(self.labels.index(photographs.domain)))
