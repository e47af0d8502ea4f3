"""From a photograph's pixels to a network's input; stored with the model."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

PLAIN_VIEWS = 2
"""The number of views that are not random: the centre crop and its mirror image."""


@dataclass(frozen=True)
class Preprocessing:
    """Resize to `side` x `side` pixels whatever the aspect, crop to `crop` x `crop`, then (x / 255 - mean) / std."""

    side: int
    crop: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def to_json(self) -> dict[str, Any]:
        """As stored in a model's card."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Preprocessing":
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError where `stored` is something else."""
        side, crop = int(stored["side"]), int(stored["crop"])
        if not 1 <= crop <= side <= 4096:
            raise ValueError(f"crop {crop} of side {side}")
        return cls(side, crop, _triple(stored["mean"]), _triple(stored["std"]))

    def centre_crop(self, pixels: Tensor) -> Tensor:
        """The centre crop, normalised: 8-bit RGB (n, side, side, 3) to (n, 3, crop, crop) in channels-last order."""
        margin = (self.side - self.crop) // 2
        window = pixels[:, margin : margin + self.crop, margin : margin + self.crop]
        return self._normalise(window.permute(0, 3, 1, 2).float())

    def augment(self, pixels: Tensor, draws: npt.NDArray[np.float64]) -> Tensor:
        """A random resized crop, mirrored half of the time: (n, side, side, 3) to (n, 3, crop, crop).

        The window covers 0.08 to 1 of the area at an aspect ratio of 3/4 to 4/3 (Szegedy 2015). It is determined by
        `draws` (n, 5), uniform in [0, 1), so that a photograph's window does not depend on its batch.
        """
        return self._normalise(self._window(pixels, draws, least=0.08))

    def make_view(self, number: int, pixels: Tensor, draws: npt.NDArray[np.float64]) -> Tensor:
        """One of the views that features are cached of: (n, side, side, 3) to (n, 3, crop, crop).

        View 0 is the centre crop and 1 its mirror image. Every further one is a random window of 0.3 to 1 of the area,
        mirrored half of the time, with brightness, contrast and saturation changed; it is determined by `draws`
        (n, 8), uniform in [0, 1).
        """
        if number < PLAIN_VIEWS:
            crop = self.centre_crop(pixels)
            return crop.flip(3).contiguous(memory_format=torch.channels_last) if number else crop
        return self._normalise(_jitter_colour(self._window(pixels, draws[:, :5], least=0.3), draws[:, 5:]))

    def _window(self, pixels: Tensor, draws: npt.NDArray[np.float64], *, least: float) -> Tensor:
        maps = _window_maps(draws, least).to(pixels.device)
        grid = F.affine_grid(maps, [len(pixels), 3, self.crop, self.crop], align_corners=False)
        images = pixels.permute(0, 3, 1, 2).float()
        return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    def _normalise(self, images: Tensor) -> Tensor:
        mean = torch.tensor(self.mean, device=images.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(1, 3, 1, 1)
        return ((images - 255 * mean) / (255 * std)).contiguous(memory_format=torch.channels_last)


def _jitter_colour(images: Tensor, draws: npt.NDArray[np.float64]) -> Tensor:
    """Images (n, 3, h, w) in [0, 255] with brightness, contrast and saturation times 0.6 to 1.4; `draws` (n, 3)."""
    brightness, contrast, saturation = torch.from_numpy(0.6 + 0.8 * draws).to(images).T[:, :, None, None, None]
    images = images * brightness
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * contrast + mean
    grey = images.mean(1, keepdim=True)
    return torch.clamp((images - grey) * saturation + grey, 0, 255)


def _window_maps(draws: npt.NDArray[np.float64], least: float) -> Tensor:
    """Affine maps (n, 2, 3) from the output's coordinates in [-1, 1] to a random window of the input.

    The window covers `least` to 1 of the area.
    """
    area = least + draws[:, 0] * (1 - least)
    ratio = np.exp((2 * draws[:, 1] - 1) * math.log(4 / 3))
    width = np.minimum(np.sqrt(area * ratio), 1.0)
    height = np.minimum(np.sqrt(area / ratio), 1.0)
    mirror = np.where(draws[:, 4] < 0.5, -1.0, 1.0)
    maps = np.zeros((len(draws), 2, 3), dtype=np.float32)
    maps[:, 0, 0], maps[:, 0, 2] = width * mirror, (2 * draws[:, 2] - 1) * (1 - width)
    maps[:, 1, 1], maps[:, 1, 2] = height, (2 * draws[:, 3] - 1) * (1 - height)
    return torch.from_numpy(maps)


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
