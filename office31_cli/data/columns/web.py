"""web: is it a photograph from a web shop?"""

from typing import TYPE_CHECKING

from office31_cli.data.columns import base

if TYPE_CHECKING:
    from office31_cli.data.photographs import Photographs
    from office31_cli.outputs.base import FloatArray

SHOP = "amazon"


class Column(base.DerivedColumn):
    """Whether the photograph is one of amazon's."""

    kind = "yes/no"

    def is_offered(self) -> bool:
        """Only of a data set with a domain of that name is it known."""
        return SHOP in self.data.domains

    def values(self, photographs: "Photographs") -> "FloatArray":
        """All yes or all no, (n,)."""
        import numpy as np

        return np.full(len(photographs), float(photographs.domain == SHOP))
