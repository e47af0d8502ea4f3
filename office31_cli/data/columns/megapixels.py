"""megapixels: how large the photograph was before it was resized for a network."""

from typing import TYPE_CHECKING

from office31_cli.data.columns import base

if TYPE_CHECKING:
    from office31_cli.data.photographs import Photographs
    from office31_cli.outputs.base import FloatArray


class Column(base.DerivedColumn):
    """Width times height in millions of pixels."""

    kind = "number"

    def values(self, photographs: "Photographs") -> "FloatArray":
        """As the files' headers say, (n,)."""
        import numpy as np

        from office31_cli.data.pixels import read_size

        sizes = [read_size(photographs.root / name) for name in photographs.files]
        return np.array([width * height / 1e6 for width, height in sizes])
