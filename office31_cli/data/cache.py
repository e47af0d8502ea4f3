"""Large arrays that are made once, row by row, and can be thrown away at any time.

An entry is a folder `KIND/KEY/` with `rows.bin` (the rows, memory-mapped when read) and `crc.bin` (a CRC-32 a
row). The key is the hash of all that the rows are made from, so an entry is never out of date. While it is being
made, `crc.bin` is the journal: a row is there when its CRC is, and an interrupted build goes on at the first row
that is not. A row that fails its CRC later (a flipped bit, a torn page) is made again from its source.
"""

import contextlib
import hashlib
import json
import mmap
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from office31_cli import paths, storage
from office31_cli.errors import Failed
from office31_cli.observer import SILENT, Observer

Rows = npt.NDArray[Any]
Compute = Callable[[int, int], Rows]
"""Makes the rows `start` to `stop` (exclusive)."""

_FORMAT = 1
_BLOCK_ROWS = 64
_KEEP_MAPPED = 1 << 28
"""Bytes read from a mapping before its pages are given back: memory stays flat however many rows there are."""


def content_key(**made_of: object) -> str:
    """The name of an entry: a hash of everything that its rows depend on."""
    canonical = json.dumps({"format": _FORMAT, **made_of}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


class CachedArray:
    """An array of shape (n, *shape) on disk, whose rows are checked whenever they are read."""

    def __init__(
        self, folder: Path, shape: tuple[int, ...], dtype: npt.DTypeLike, compute: Compute, observer: Observer
    ) -> None:
        self.folder, self.shape, self.dtype = folder, shape, np.dtype(dtype)
        self._compute, self._observer = compute, observer
        self._row_bytes = int(np.prod(shape[1:])) * self.dtype.itemsize
        self._crc = np.fromfile(folder / "crc.bin", dtype=np.uint32)
        with (folder / "rows.bin").open("rb") as stream:
            self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes_read = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process of this machine: which reads the same files, but cannot make a damaged row again."""
        return CachedArray, (self.folder, self.shape, self.dtype, _cannot_compute, SILENT)

    def __len__(self) -> int:
        return self.shape[0]

    def rows(self, indices: npt.ArrayLike) -> Rows:
        """The rows at `indices`, as an array of shape (len(indices), *shape) of its own."""
        indices = np.asarray(indices, dtype=np.int64)
        out: Rows = np.empty((len(indices), *self.shape[1:]), dtype=self.dtype)
        for place, index in enumerate(indices.tolist()):
            out[place] = self._row(index)
        self._bytes_read += out.nbytes
        if self._bytes_read > _KEEP_MAPPED:
            self._map.madvise(mmap.MADV_DONTNEED)
            self._bytes_read = 0
        return out

    def all(self) -> Rows:
        """Every row, in memory."""
        return self.rows(np.arange(len(self)))

    def blank_rows(self) -> npt.NDArray[np.int64]:
        """Which rows hold nothing but zeros, told by their CRC without reading them."""
        blank: npt.NDArray[np.int64] = np.flatnonzero(self._crc == zlib.crc32(bytes(self._row_bytes)))
        return blank

    def _row(self, index: int) -> Rows:
        start = index * self._row_bytes
        raw = self._map[start : start + self._row_bytes]
        if zlib.crc32(raw) != self._crc[index]:
            return self._mend(index)
        return np.frombuffer(raw, dtype=self.dtype).reshape(self.shape[1:])

    def _mend(self, index: int) -> Rows:
        self._observer.warn(f"cache: row {index} of {self.folder} is damaged; it is made again")
        row: Rows = np.ascontiguousarray(self._compute(index, index + 1)[0], dtype=self.dtype)
        self._crc[index] = zlib.crc32(row.tobytes())
        with contextlib.suppress(OSError):  # a cache that cannot be mended can still be read around
            _write_rows(self.folder, index, row[None])
        return row


def _cannot_compute(first: int, last: int) -> Rows:
    raise Failed("cache", f"rows {first} to {last - 1} are damaged", "run the command again with --jobs 1")


def cached(
    kind: str,
    key: str,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    compute: Compute,
    *,
    label: str,
    observer: Observer = SILENT,
) -> CachedArray:
    """The entry `kind`/`key` of shape (n, *shape), made with `compute` where it is not there yet.

    One process builds, others wait for it; one that was killed is continued.
    """
    folder = paths.cache_home() / kind / key
    lock = folder.with_name(f"{key}.lock")
    if not _whole(folder, shape, dtype):
        with storage.locked(lock, timeout=None):
            if not _whole(folder, shape, dtype):  # nobody made it while we waited
                if folder.exists():
                    observer.warn(f"cache: {folder} is damaged; it is made again")
                    storage.remove_folder(folder)
                _build(folder, shape, np.dtype(dtype), compute, label, observer)
        lock.unlink(missing_ok=True)
    return CachedArray(folder, shape, dtype, compute, observer)


def _whole(folder: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> bool:
    try:
        rows, crc = (folder / "rows.bin").stat().st_size, (folder / "crc.bin").stat().st_size
    except OSError:
        return False
    return rows == int(np.prod(shape)) * np.dtype(dtype).itemsize and crc == 4 * shape[0]


def _build(
    folder: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    compute: Compute,
    label: str,
    observer: Observer,
) -> None:
    staging = folder.with_name(f"{folder.name}.part")
    if not _whole(staging, shape, dtype):
        _lay_out(staging, shape, dtype)
    crc = np.fromfile(staging / "crc.bin", dtype=np.uint32)
    missing = np.flatnonzero(crc == 0)
    start = int(missing[0]) if len(missing) else shape[0]
    with observer.track(label, shape[0], start) as advance:
        for first in range(start, shape[0], _BLOCK_ROWS):
            last = min(first + _BLOCK_ROWS, shape[0])
            _write_rows(staging, first, np.ascontiguousarray(compute(first, last), dtype=dtype))
            advance(last - first)
    storage.sync_file(staging / "rows.bin")
    storage.sync_file(staging / "crc.bin")
    storage.replace(staging, folder)


def _lay_out(staging: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Room for all rows, none of them there yet."""
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
    # A CRC of zero stands for "not there": a row that happens to have it is merely made once more.
    crc = np.array([zlib.crc32(row) for row in rows], dtype=np.uint32)
    for name, content, offset in (("rows.bin", rows, first * rows[0].nbytes), ("crc.bin", crc, 4 * first)):
        with (folder / name).open("r+b") as stream:
            stream.seek(offset)
            stream.write(content.tobytes())
