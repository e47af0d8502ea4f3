"""Large arrays that are computed once, row by row, and can be thrown away at any time.

An entry is a folder `KIND/KEY/` with `rows.bin` (the rows) and `crc.bin` (a CRC-32 a row). The key is a hash of all
that the rows are computed from, so an entry is never out of date. While it is being computed, `crc.bin` is the journal:
a row is there when its CRC is, and an interrupted computation continues at the first row that is not. A row that fails
its CRC later (a flipped bit, a torn page) is computed again.
"""

import contextlib
import os
import shutil
import weakref
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from office31_cli import paths, storage
from office31_cli.errors import Failed
from office31_cli.keys import make_key
from office31_cli.observer import SILENT, Observer

Rows = npt.NDArray[Any]
Compute = Callable[[int, int], Rows]
"""Computes the rows `start` to `stop` (exclusive)."""

_LAYOUT = 1
"""Raised when entries are laid out in another way, so that those of the older way are not used."""

_BLOCK_ROWS = 64
_BLOCK_BYTES = 1 << 25
"""The most that is read at a time where all rows are wanted."""


def content_key(**made_of: object) -> str:
    """The name of an entry: a hash of everything that its rows are computed from."""
    return make_key(_LAYOUT, **made_of)


class CachedArray:
    """An array of shape (n, *shape) on disk, whose rows are checked whenever they are read.

    They are read, not memory-mapped: mapped pages count as this process's memory, and rows in random order would map
    all of the file around them.
    """

    def __init__(
        self, folder: Path, shape: tuple[int, ...], dtype: npt.DTypeLike, compute: Compute, observer: Observer
    ) -> None:
        self.folder, self.shape, self.dtype = folder, shape, np.dtype(dtype)
        self._compute, self._observer = compute, observer
        self._row_bytes = int(np.prod(shape[1:])) * self.dtype.itemsize
        self._crc = np.fromfile(folder / "crc.bin", dtype=np.uint32)
        self._file = os.open(folder / "rows.bin", os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, which reads the same files but cannot compute a damaged row again."""
        return CachedArray, (self.folder, self.shape, self.dtype, partial(_cannot_compute, self.folder), SILENT)

    def __len__(self) -> int:
        return self.shape[0]

    def rows(self, indices: npt.ArrayLike) -> Rows:
        """A new array (len(indices), *shape) with the rows at `indices`; damaged ones are computed again."""
        indices = np.asarray(indices, dtype=np.int64)
        out: Rows = np.empty((len(indices), *self.shape[1:]), dtype=self.dtype)
        content, size = out.reshape(-1).view(np.uint8).data, self._row_bytes
        for place, index in enumerate(indices.tolist()):
            row = content[place * size : (place + 1) * size]
            if os.preadv(self._file, [row], index * size) < size or zlib.crc32(row) != self._crc[index]:
                out[place] = self._repair(index)
        return out

    def blocks(self) -> Iterator[Rows]:
        """Yield all rows in their order, as many at a time as take little memory."""
        count = max(1, _BLOCK_BYTES // self._row_bytes)
        for first in range(0, len(self), count):
            yield self.rows(np.arange(first, min(first + count, len(self))))

    def all(self) -> Rows:
        """All rows, in memory."""
        return self.rows(np.arange(len(self)))

    def blank_rows(self) -> npt.NDArray[np.int64]:
        """The numbers of the rows that hold nothing but zeros, by their CRC: none of them is read."""
        blank: npt.NDArray[np.int64] = np.flatnonzero(self._crc == zlib.crc32(bytes(self._row_bytes)))
        return blank

    def _repair(self, index: int) -> Rows:
        self._observer.warn(f"cache: row {index} of {self.folder} is damaged and is computed again")
        row: Rows = np.ascontiguousarray(self._compute(index, index + 1)[0], dtype=self.dtype)
        self._crc[index] = zlib.crc32(row.tobytes())
        with contextlib.suppress(OSError):  # a cache that cannot be repaired can still be read around
            _write_rows(self.folder, index, row[None])
        return row


def _cannot_compute(folder: Path, first: int, last: int) -> Rows:
    which = f"row {first} is" if last == first + 1 else f"rows {first} to {last - 1} are"
    raise Failed(f"cache {folder}", f"{which} damaged", "remove that folder, and run the command again")


def open_cache(
    kind: str,
    key: str,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    compute: Compute,
    *,
    label: str,
    observer: Observer = SILENT,
    rows_at_once: int = 0,
) -> CachedArray:
    """The entry `kind`/`key`, an array of `shape`, computed with `compute` where it is not there yet.

    `compute` is asked for `_BLOCK_ROWS` rows at a time, or for `rows_at_once` where it works best on more.

    One process computes it and others wait; where one was killed, the next continues.
    """
    folder = paths.cache_home() / kind / key
    lock = folder.with_name(f"{key}.lock")
    if not _is_complete(folder, shape, dtype):
        with storage.hold_lock(lock, timeout=None):
            if not _is_complete(folder, shape, dtype):  # nobody computed it while we waited
                if folder.exists():
                    observer.warn(f"cache: {folder} is damaged and is computed again")
                    storage.remove_folder(folder)
                _compute_rows(folder, shape, np.dtype(dtype), compute, label, observer, max(_BLOCK_ROWS, rows_at_once))
            lock.unlink(missing_ok=True)  # while it is still held, so that no other process's lock is taken away
    return CachedArray(folder, shape, dtype, compute, observer)


def _is_complete(folder: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> bool:
    try:
        rows, crc = (folder / "rows.bin").stat().st_size, (folder / "crc.bin").stat().st_size
    except OSError:
        return False
    return rows == int(np.prod(shape)) * np.dtype(dtype).itemsize and crc == 4 * shape[0]


def _compute_rows(
    folder: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    compute: Compute,
    label: str,
    observer: Observer,
    block_rows: int,
) -> None:
    staging = folder.with_name(f"{folder.name}.part")
    if not _is_complete(staging, shape, dtype):
        _allocate(staging, shape, dtype)
    crc = np.fromfile(staging / "crc.bin", dtype=np.uint32)
    missing = np.flatnonzero(crc == 0)
    start = int(missing[0]) if len(missing) else shape[0]
    with observer.track(label, shape[0], start) as advance:
        for first in range(start, shape[0], block_rows):
            last = min(first + block_rows, shape[0])
            _write_rows(staging, first, np.ascontiguousarray(compute(first, last), dtype=dtype))
            advance(last - first)
    storage.sync_file(staging / "rows.bin")
    storage.sync_file(staging / "crc.bin")
    storage.replace(staging, folder)


def _allocate(staging: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Reserve room for all rows, none of them there yet."""
    storage.remove_folder(staging)
    storage.make_folder(staging)
    needed = int(np.prod(shape)) * dtype.itemsize
    _check_space(staging, needed)
    for name, size in (("rows.bin", needed), ("crc.bin", 4 * shape[0])):
        with (staging / name).open("wb") as stream:
            stream.truncate(size)


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise Failed(
            str(folder),
            f"the cache needs {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB left",
            "free some space, or set OFFICE31_HOME to a folder on a larger disk",
        )


def _write_rows(folder: Path, first: int, rows: Rows) -> None:
    """Rows first, then their CRCs: what has a CRC was written whole."""
    # A CRC of zero stands for "not there": a row that happens to have it is merely computed once more.
    crc = np.array([zlib.crc32(row) for row in rows], dtype=np.uint32)
    for name, content, offset in (("rows.bin", rows, first * rows[0].nbytes), ("crc.bin", crc, 4 * first)):
        with (folder / name).open("r+b") as stream:
            stream.seek(offset)
            stream.write(content.tobytes())
