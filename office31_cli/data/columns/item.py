"""item: what is on the photograph."""

from typing import TYPE_CHECKING

from office31_cli.data.columns import base

if TYPE_CHECKING:
    from office31_cli.data.photographs import BoolArray, Photographs
    from office31_cli.outputs.base import FloatArray


class Column(base.DerivedColumn):
    """The folder that the photograph lies in."""

    kind = "choice"

    @property
    def labels(self) -> tuple[str, ...]:
        """The data set's items."""
        return self.data.items

    def values(self, photographs: "Photographs") -> "FloatArray":
        """The items' numbers (n,); raises `Misuse` for photographs of an unlabelled domain."""
        if len(photographs):
            self.data.check_labelled(photographs.domain)
        return photographs.items.astype("float64")

    def known_mask(self, photographs: "Photographs") -> "BoolArray":
        """All of them, or none where the domain is unlabelled."""
        import numpy as np

        return np.full(len(photographs), photographs.has_labels)
