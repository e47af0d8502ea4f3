"""The inputs of the trained part of a network: cached outputs of the frozen part, or augmented pixels."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from office31_cli.data.cache import CachedArray, Rows
from office31_cli.data.photographs import IntArray
from office31_cli.engine.principal_directions import normalise_rows, principal_directions
from office31_cli.models.preprocessing import PLAIN_VIEWS, Preprocessing

RandomNumbers = npt.NDArray[np.float64]
"""Uniform in [0, 1)."""

Targets = npt.NDArray[np.float64]

_IN_MEMORY = 1 << 28
"""Bytes up to which all cached outputs are read once and kept on the device; beyond, memory stays flat."""


@dataclass(frozen=True, eq=False)
class Examples:
    """n photographs: the number of each one's domain (n,), its row there (n,), and its targets (n, outputs)."""

    domains: IntArray
    rows: IntArray
    targets: Targets

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: IntArray) -> "Examples":
        """The examples at `places` (m,)."""
        return replace(self, domains=self.domains[places], rows=self.rows[places], targets=self.targets[places])


def concatenate(parts: Sequence[Examples]) -> Examples:
    """The examples of all parts, one after the other."""
    return Examples(
        np.concatenate([part.domains for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.targets for part in parts]),
    )


class Inputs(Protocol):
    """Loads the inputs (n, ...) of examples onto the device."""

    def training_views(self, examples: Examples, random_numbers: RandomNumbers) -> Tensor:
        """Views for training; the `random_numbers` (n, 5) decide them."""

    def strong_views(self, examples: Examples, random_numbers: RandomNumbers) -> Tensor:
        """Strongly augmented views; the `random_numbers` (n, 5) decide them."""

    def evaluation_views(self, examples: Examples) -> Tensor:
        """Views for evaluation: centre crops."""


class FrozenInputs:
    """Cached outputs of a frozen part: `views[v][d]` are those of domain d in view v, of which 0 is for evaluation."""

    def __init__(
        self, views: Sequence[Sequence[CachedArray]], device: torch.device, directions: Tensor | None = None
    ) -> None:
        self._views, self._device, self._directions = views, device, directions
        row = self._project(torch.from_numpy(views[0][0].rows([0])).to(device))[0]  # of the shape and type of all
        self._count, self._width = len(views), len(row)
        counts = [len(array) for arrays in views for array in arrays]
        self._starts = np.cumsum([0, *counts])[:-1].reshape(len(views), -1)
        self._table = self._build_table(row, sum(counts)) if sum(counts) * row.nbytes <= _IN_MEMORY else None

    @classmethod
    def with_projection(
        cls, views: Sequence[Sequence[CachedArray]], orders: Sequence[IntArray], device: torch.device
    ) -> "FrozenInputs":
        """Features of length 1, projected onto their principal directions; as they are where that saves nothing.

        `orders[d]` are the rows of domain d in an order that does not follow their labels.
        """
        return cls(views, device, principal_directions(views[0], orders, device))

    def _build_table(self, like: Tensor, count: int) -> Tensor:
        """All rows of all arrays, one after the other: a batch is then one look-up, whichever domains it is from."""
        table, start = like.new_empty(count, *like.shape), 0
        for block in (block for arrays in self._views for array in arrays for block in array.blocks()):
            table[start : start + len(block)] = self._project(torch.from_numpy(block).to(self._device))
            start += len(block)
        return table

    def __getstate__(self) -> dict[str, Any]:
        """For another process: as bytes, and not in shared memory, of which containers have little.

        What is in memory needs no files, so that the process may be one of another machine.
        """
        tensors = {name: getattr(self, name) for name in ("_directions", "_table")}
        arrays = {name: None if tensor is None else tensor.cpu().numpy() for name, tensor in tensors.items()}
        return self.__dict__ | arrays | ({} if self._table is None else {"_views": ()})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The inverse of `__getstate__`."""
        self.__dict__ |= state
        with warnings.catch_warnings():  # of memory that may be shared with others: nothing here writes into it
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            for name in ("_directions", "_table"):
                if state[name] is not None:
                    setattr(self, name, torch.from_numpy(state[name]).to(self._device))

    @property
    def directions(self) -> Tensor | None:
        """The orthonormal directions (d, k) that features of width d are projected onto, if they are."""
        return self._directions

    @property
    def width(self) -> int:
        """The width of a feature vector."""
        return self._width

    def _project(self, rows: Tensor) -> Tensor:
        return rows if self._directions is None else normalise_rows(rows) @ self._directions

    def training_views(self, examples: Examples, random_numbers: RandomNumbers) -> Tensor:
        """The cached outputs, each in a view that its first random number decides."""
        return self._gather(examples, (random_numbers[:, 0] * self._count).astype(np.int64))

    def strong_views(self, examples: Examples, random_numbers: RandomNumbers) -> Tensor:
        """The cached outputs, each in a view beyond the centre crop and its mirror image."""
        views = PLAIN_VIEWS + (random_numbers[:, 0] * (self._count - PLAIN_VIEWS)).astype(np.int64)
        return self._gather(examples, views)

    def evaluation_views(self, examples: Examples) -> Tensor:
        """The cached outputs in the first view."""
        return self._gather(examples, np.zeros(len(examples), dtype=np.int64))

    def _gather(self, examples: Examples, views: IntArray) -> Tensor:
        if self._table is not None:
            places = torch.from_numpy(self._starts[views, examples.domains] + examples.rows)
            return self._table.index_select(0, places.to(self._device)).float()
        batch = _read_rows(self._views, views, examples)
        return self._project(torch.from_numpy(batch).to(self._device, torch.float32, non_blocking=True))


class PixelInputs:
    """Decoded photographs, `pixels[d]` for domain d, augmented in batches on the device."""

    def __init__(self, pixels: Sequence[CachedArray], preprocessing: Preprocessing, device: torch.device) -> None:
        self._pixels, self._preprocessing, self._device = pixels, preprocessing, device

    def training_views(self, examples: Examples, random_numbers: RandomNumbers) -> Tensor:
        """Random resized crops, half of them mirrored."""
        if not len(examples):  # torch makes no grid for no crops
            return self.evaluation_views(examples)
        return self._preprocessing.augment(self._on_device(examples), random_numbers)

    def strong_views(self, examples: Examples, random_numbers: RandomNumbers) -> Tensor:
        """Random resized crops in changed colours."""
        eight_each = np.hstack([random_numbers, 1 - random_numbers[:, :3]])
        return self._preprocessing.make_view(PLAIN_VIEWS, self._on_device(examples), eight_each)

    def evaluation_views(self, examples: Examples) -> Tensor:
        """Centre crops."""
        return self._preprocessing.centre_crop(self._on_device(examples))

    def _on_device(self, examples: Examples) -> Tensor:
        batch = _read_rows([self._pixels], np.zeros(len(examples), dtype=np.int64), examples)
        return torch.from_numpy(batch).to(self._device, non_blocking=True)


def _read_rows(views: Sequence[Sequence[CachedArray]], chosen: IntArray, examples: Examples) -> Rows:
    """The examples' rows (n, ...), each from the array of its `chosen` view (n,) and its domain."""
    batch: Rows = np.empty((len(examples), *views[0][0].shape[1:]), dtype=views[0][0].dtype)
    for view, arrays in enumerate(views):
        for domain, array in enumerate(arrays):
            places = np.flatnonzero((chosen == view) & (examples.domains == domain))
            batch[places] = array.rows(examples.rows[places])
    return batch
