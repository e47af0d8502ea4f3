"""item: what is on the photograph."""

from typing import TYPE_CHECKING

from office31_cli.data.columns import base

if TYPE_CHECKING:
    from office31_cli.data.photographs import Photographs
    from office31_cli.outputs.base import FloatArray


class Column(base.Known):
    """The folder that the photograph lies in."""

    kind = "choice"

    @property
    def labels(self) -> tuple[str, ...]:
        """The data set's items."""
        return self.data.items

    def values(self, photographs: "Photographs") -> "FloatArray":
        """The items' numbers (n,)."""
        return photographs.items.astype("float64")
