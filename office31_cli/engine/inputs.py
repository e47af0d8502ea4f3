"""What the trained part of a network is fed: cached outputs of the frozen part, or augmented pixels."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from office31_cli.data.cache import CachedArray, Rows
from office31_cli.data.photographs import IntArray
from office31_cli.models.preprocessing import Preprocessing

Draws = npt.NDArray[np.float64]
Targets = npt.NDArray[np.float64]

_IN_MEMORY = 1 << 28
"""Arrays up to this size are read once and kept."""


@dataclass(frozen=True, eq=False)
class Examples:
    """n photographs: which domain's array (n,), which row of it (n,), and what is to be learnt of it (n, outputs)."""

    domains: IntArray
    rows: IntArray
    targets: Targets

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: IntArray) -> "Examples":
        """The examples at `places`."""
        return replace(self, domains=self.domains[places], rows=self.rows[places], targets=self.targets[places])


class Inputs(Protocol):
    """Where batches come from."""

    def training(self, examples: Examples, draws: Draws) -> Tensor:
        """A batch as seen in training; `draws` (n, 5), uniform in [0, 1), decide each photograph's view."""

    def evaluation(self, examples: Examples) -> Tensor:
        """A batch as seen in evaluation: the centre view."""


class FrozenInputs:
    """Cached outputs of a frozen part, `arrays[d]` for domain d: a photograph always looks the same."""

    def __init__(self, arrays: list[CachedArray], device: torch.device) -> None:
        self._arrays, self._device = [_in_memory(array) for array in arrays], device

    def training(self, examples: Examples, draws: Draws) -> Tensor:
        """The examples' cached outputs; nothing is drawn."""
        return self.evaluation(examples)

    def evaluation(self, examples: Examples) -> Tensor:
        """The examples' cached outputs."""
        return torch.from_numpy(_gather(self._arrays, examples)).to(self._device, torch.float32, non_blocking=True)


class PixelInputs:
    """Decoded photographs, `pixels[d]` for domain d, augmented in batches on the device."""

    def __init__(self, pixels: list[CachedArray], preprocessing: Preprocessing, device: torch.device) -> None:
        self._pixels: list[_Readable] = list(pixels)
        self._preprocessing, self._device = preprocessing, device

    def training(self, examples: Examples, draws: Draws) -> Tensor:
        """Random resized crops, mirrored half of the time."""
        return self._preprocessing.augmented(self._on_device(examples), draws)

    def evaluation(self, examples: Examples) -> Tensor:
        """Centre crops."""
        return self._preprocessing.centre(self._on_device(examples))

    def _on_device(self, examples: Examples) -> Tensor:
        return torch.from_numpy(_gather(self._pixels, examples)).to(self._device, non_blocking=True)


class _Kept:
    """An array that was small enough to keep in memory."""

    def __init__(self, array: Rows) -> None:
        self.shape, self.dtype, self._array = array.shape, array.dtype, array

    def rows(self, indices: IntArray) -> Rows:
        """As `CachedArray.rows`."""
        kept: Rows = self._array[indices]
        return kept


_Readable = CachedArray | _Kept


def _in_memory(array: CachedArray) -> _Readable:
    small = int(np.prod(array.shape)) * array.dtype.itemsize <= _IN_MEMORY
    return _Kept(array.all()) if small else array


def _gather(arrays: list[_Readable], examples: Examples) -> Rows:
    """The examples' rows (n, ...), whichever domain's array they lie in."""
    if len(arrays) == 1:
        return arrays[0].rows(examples.rows)
    batch: Rows = np.empty((len(examples), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    for domain, array in enumerate(arrays):
        places = np.flatnonzero(examples.domains == domain)
        batch[places] = array.rows(examples.rows[places])
    return batch
