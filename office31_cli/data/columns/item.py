"""item: what is on the photograph."""

from typing import TYPE_CHECKING

from office31_cli.data.columns import base
from office31_cli.errors import Misuse
from office31_cli.text import printable

if TYPE_CHECKING:
    from office31_cli.data.photographs import BoolArray, Photographs
    from office31_cli.outputs.base import FloatArray


class Column(base.DerivedColumn):
    """What the folder that the photograph lies in, or a list of labels, says it shows."""

    kind = "choice"

    @property
    def labels(self) -> tuple[str, ...]:
        """The data set's items."""
        return self.data.items

    def values(self, photographs: "Photographs") -> "FloatArray":
        """The items' numbers (n,); raises `Misuse` where a photograph shows none of the items."""
        if not photographs.is_known.all():
            self.data.check_labelled(photographs.domain)
            raise Misuse(
                f"domain {printable(photographs.domain)}",
                "some of its photographs are labelled with none of the items, or not at all",
                "leave them out",
            )
        return photographs.items.astype("float64")

    def known_mask(self, photographs: "Photographs") -> "BoolArray":
        """Those that are labelled with one of the items."""
        return photographs.is_known
