"""What the trained part of a network is fed: cached outputs of the frozen part, or augmented pixels."""

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
Targets = npt.NDArray[np.float64]

_IN_MEMORY = 1 << 28
"""Bytes up to which all that training looks at is read once, and kept on the device: beyond, memory stays flat."""


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


def concatenate(parts: Sequence[Examples]) -> Examples:
    """The examples of all parts, one after the other."""
    return Examples(
        np.concatenate([part.domains for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.targets for part in parts]),
    )


class Inputs(Protocol):
    """Where batches come from."""

    def training_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        """A batch as seen in training; `draws` (n, 5), uniform in [0, 1), decide each photograph's view."""

    def strong_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        """A batch in views that differ strongly from that of evaluation."""

    def evaluation_views(self, examples: Examples) -> Tensor:
        """A batch as seen in evaluation: the centre view."""


class FrozenInputs:
    """Cached outputs of a frozen part, `views[v][d]` for view v of domain d; the first view is that of evaluation."""

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
        """The features, of length 1, along their principal directions; as they are where that would save nothing.

        `orders[d]` are domain d's rows in an order that does not follow their labels.
        """
        return cls(views, device, principal_directions(views[0], orders, device))

    def _build_table(self, like: Tensor, count: int) -> Tensor:
        """All rows of all arrays, one after the other: so a batch is one look-up, whichever domains it is from."""
        table, start = like.new_empty(count, *like.shape), 0
        for block in (block for arrays in self._views for array in arrays for block in array.blocks()):
            table[start : start + len(block)] = self._project(torch.from_numpy(block).to(self._device))
            start += len(block)
        return table

    def __getstate__(self) -> dict[str, Any]:
        """For another process: as bytes, and not in shared memory, of which containers have little.

        What is in memory needs no files, so that the process may be one of another machine.
        """
        arrays = {name: getattr(self, name) for name in ("_directions", "_table")}
        sent = {name: None if each is None else each.cpu().numpy() for name, each in arrays.items()}
        return self.__dict__ | sent | ({} if self._table is None else {"_views": ()})

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
        """The orthonormal directions (d, k) along which features of width d are seen, if they are condensed."""
        return self._directions

    @property
    def width(self) -> int:
        """How many numbers a feature vector has."""
        return self._width

    def _project(self, rows: Tensor) -> Tensor:
        return rows if self._directions is None else normalise_rows(rows) @ self._directions

    def training_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        """The examples' cached outputs, each in a view that its first draw decides."""
        return self._gather(examples, (draws[:, 0] * self._count).astype(np.int64))

    def strong_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        """The examples' cached outputs, each in one of the views beyond the first and its mirror image."""
        return self._gather(examples, PLAIN_VIEWS + (draws[:, 0] * (self._count - PLAIN_VIEWS)).astype(np.int64))

    def evaluation_views(self, examples: Examples) -> Tensor:
        """The examples' cached outputs in the first view."""
        return self._gather(examples, np.zeros(len(examples), dtype=np.int64))

    def _gather(self, examples: Examples, views: IntArray) -> Tensor:
        if self._table is not None:
            places = torch.from_numpy(self._starts[views, examples.domains] + examples.rows)
            return self._table.index_select(0, places.to(self._device)).float()
        batch = _read(self._views, views, examples)
        return self._project(torch.from_numpy(batch).to(self._device, torch.float32, non_blocking=True))


class PixelInputs:
    """Decoded photographs, `pixels[d]` for domain d, augmented in batches on the device."""

    def __init__(self, pixels: Sequence[CachedArray], preprocessing: Preprocessing, device: torch.device) -> None:
        self._pixels, self._preprocessing, self._device = pixels, preprocessing, device

    def training_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        """Random resized crops, mirrored half of the time."""
        if not len(examples):  # torch makes no grid for no windows
            return self.evaluation_views(examples)
        return self._preprocessing.augmented(self._on_device(examples), draws)

    def strong_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        """Random windows in other colours."""
        return self._preprocessing.view(PLAIN_VIEWS, self._on_device(examples), np.hstack([draws, 1 - draws[:, :3]]))

    def evaluation_views(self, examples: Examples) -> Tensor:
        """Centre crops."""
        return self._preprocessing.centre(self._on_device(examples))

    def _on_device(self, examples: Examples) -> Tensor:
        batch = _read([self._pixels], np.zeros(len(examples), dtype=np.int64), examples)
        return torch.from_numpy(batch).to(self._device, non_blocking=True)


def _read(views: Sequence[Sequence[CachedArray]], chosen: IntArray, examples: Examples) -> Rows:
    """The examples' rows (n, ...), whichever view and domain they lie in."""
    batch: Rows = np.empty((len(examples), *views[0][0].shape[1:]), dtype=views[0][0].dtype)
    for view, arrays in enumerate(views):
        for domain, array in enumerate(arrays):
            places = np.flatnonzero((chosen == view) & (examples.domains == domain))
            batch[places] = array.rows(examples.rows[places])
    return batch
