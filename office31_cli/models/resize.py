"""Pillow's antialiased bilinear resizing as a part of a network, so that an exported file can take any picture."""

import functools

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

_FRACTION = 1 << 22
"""Pillow weighs with whole numbers of these parts."""


class PillowResize(nn.Module):
    """8-bit pictures (n, h, w, 3) to (n, side, side, 3) in float, by the very arithmetic of `Image.resize(BILINEAR)`.

    Each axis is one matrix product, its weights computed from the picture's size while it runs. All numbers are
    whole, so that double precision holds them, and every runtime rounds as Pillow does.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side, self._turns = side, resizes_height_first()

    def forward(self, pictures: Tensor) -> Tensor:
        """As the class says, each axis rounded to 8 bits; along the width first, but for tall pictures."""
        height, width = pictures.shape[1:3]
        across, down = self._weights(width), self._weights(height)
        channels = pictures.permute(0, 3, 1, 2).double()
        width_first = _to_8_bits(down @ _to_8_bits(channels @ across.T))
        if not self._turns:
            return width_first.permute(0, 2, 3, 1).float()
        height_first = _to_8_bits(_to_8_bits(down @ channels) @ across.T)
        shrinks_by, width_shrinks_by = _length(height) - self.side, _length(width) - self.side
        tall = (shrinks_by > 0) & (shrinks_by > 2 * width_shrinks_by)
        return torch.where(tall, height_first, width_first).permute(0, 2, 3, 1).float()

    def _weights(self, size: int) -> Tensor:
        """How much each of `size` pixels counts in each of the `side` that they become, (side, size), in parts.

        A triangle as wide as two of the new pixels, or as two of the old ones where the picture grows.
        """
        scale = _length(size) / self.side
        centres = (torch.arange(self.side, dtype=torch.float64) + 0.5) * scale
        distances = torch.arange(size, dtype=torch.float64) - centres[:, None] + 0.5
        weights = (1 - distances.abs() * (1 / scale.clamp_min(1))).clamp_min(0)
        return (weights / weights.sum(1, keepdim=True) * _FRACTION + 0.5).floor()


@functools.cache
def resizes_height_first() -> bool:
    """Whether the Pillow that is installed begins with the height of tall pictures, as it does since version 13."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 8, 3), dtype=np.uint8)
    turned = np.ascontiguousarray(picture.transpose(1, 0, 2))  # not tall: its width is the other's height
    tall, wide = (Image.fromarray(each).resize((4, 4), Image.Resampling.BILINEAR) for each in (picture, turned))
    return bool((np.asarray(tall) == np.asarray(wide).transpose(1, 0, 2)).all())


def _to_8_bits(sums: Tensor) -> Tensor:
    return (sums / _FRACTION + 0.5).floor()


def _length(size: int) -> Tensor:
    """A size as a tensor: with numbers apart ONNX would go on in single precision."""
    return torch.arange(size, dtype=torch.float64)[-1] + 1
