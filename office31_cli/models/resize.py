"""Pillow's antialiased bilinear resizing as a module, so that an exported network accepts pictures of any size."""

import functools

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

_FRACTION = 1 << 22
"""The fixed-point scale of Pillow's weights: each is a whole number of these parts."""


class PillowResize(nn.Module):
    """Resize 8-bit pictures (n, h, w, 3) to float (n, side, side, 3), exactly as `Image.resize(BILINEAR)` does.

    Each axis is one matrix product with weights computed from the picture's size. All numbers are whole and exact in
    double precision, so that every runtime rounds as Pillow does.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side, self._height_first = side, resizes_height_first()

    def forward(self, pictures: Tensor) -> Tensor:
        """The resized pictures, rounded to 8 bits after each axis: width first, or height first for tall pictures."""
        height, width = pictures.shape[1:3]
        across, down = self._compute_weights(width), self._compute_weights(height)
        channels = pictures.permute(0, 3, 1, 2).double()
        width_first = _to_8_bits(down @ _to_8_bits(channels @ across.T))
        if not self._height_first:
            return width_first.permute(0, 2, 3, 1).float()
        height_first = _to_8_bits(_to_8_bits(down @ channels) @ across.T)
        height_shrinks_by, width_shrinks_by = _to_double(height) - self.side, _to_double(width) - self.side
        tall = (height_shrinks_by > 0) & (height_shrinks_by > 2 * width_shrinks_by)
        return torch.where(tall, height_first, width_first).permute(0, 2, 3, 1).float()

    def _compute_weights(self, size: int) -> Tensor:
        """The weight of each of `size` input pixels in each of the `side` output pixels, (side, size), in parts.

        A triangle filter, two output pixels wide, or two input pixels where the picture is enlarged.
        """
        scale = _to_double(size) / self.side
        centres = (torch.arange(self.side, dtype=torch.float64) + 0.5) * scale
        distances = torch.arange(size, dtype=torch.float64) - centres[:, None] + 0.5
        weights = (1 - distances.abs() * (1 / scale.clamp_min(1))).clamp_min(0)
        return (weights / weights.sum(1, keepdim=True) * _FRACTION + 0.5).floor()


@functools.cache
def resizes_height_first() -> bool:
    """Whether the installed Pillow resizes the height of tall pictures first, as it does since version 13."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 8, 3), dtype=np.uint8)
    turned = np.ascontiguousarray(picture.transpose(1, 0, 2))  # not tall: its width is the other's height
    tall, wide = (Image.fromarray(image).resize((4, 4), Image.Resampling.BILINEAR) for image in (picture, turned))
    return bool((np.asarray(tall) == np.asarray(wide).transpose(1, 0, 2)).all())


def _to_8_bits(sums: Tensor) -> Tensor:
    return (sums / _FRACTION + 0.5).floor()


def _to_double(size: int) -> Tensor:
    """A size as a double tensor; as a Python number ONNX would compute with it in single precision."""
    return torch.arange(size, dtype=torch.float64)[-1] + 1
