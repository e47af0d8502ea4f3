"""The photographs of one domain: where they are, what they show, and a hash of each one's bytes."""

import dataclasses
import functools
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from office31_cli import paths, storage
from office31_cli.processes import cores

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Digests = npt.NDArray[np.uint8]

_AT_ONCE = 1024
"""Files that are handed to the threads at a time."""


@dataclasses.dataclass(frozen=True, eq=False)
class Photographs:
    """The n photographs of one domain, ordered by item and name.

    `files` are paths below `root`; `items` (n,) are positions in the data set's item names, all -1 where the
    domain has no labels (`has_labels`); `digests` are the SHA-256 of each file, in hexadecimal. `rows` (n,) are
    positions among all photographs of the domain, which stay the same in a `subset`: decoded pixels and features are
    stored by them.
    """

    domain: str
    root: Path
    files: tuple[str, ...]
    items: IntArray
    digests: tuple[str, ...]
    rows: IntArray
    has_labels: bool = True

    @classmethod
    def of(cls, domain: str, root: Path, names: dict[str, list[str]]) -> "Photographs":
        """The files `names[item]` in the folder `item` below `root`, hashed; `names['']` are of no item."""
        has_labels = "" not in names
        files = tuple(f"{item}/{name}" if item else name for item, pictures in names.items() for name in pictures)
        numbers = np.arange(len(names)) if has_labels else np.array([-1])
        items = np.repeat(numbers, [len(pictures) for pictures in names.values()])
        return cls(domain, root, files, items, digest_files(root, files), np.arange(len(files)), has_labels)

    def __len__(self) -> int:
        return len(self.files)

    def subset(self, mask: BoolArray) -> "Photographs":
        """The photographs where `mask` (n,) is true."""
        chosen = np.flatnonzero(mask).tolist()
        return dataclasses.replace(
            self,
            files=tuple(self.files[i] for i in chosen),
            digests=tuple(self.digests[i] for i in chosen),
            items=self.items[chosen],
            rows=self.rows[chosen],
        )

    @functools.cached_property
    def content(self) -> str:
        """A hash of the photographs' bytes in their order: the same wherever the folder lies."""
        return hashlib.sha256("".join(self.digests).encode()).hexdigest()


def digest_files(root: Path, files: tuple[str, ...]) -> tuple[str, ...]:
    """The SHA-256 of each file below `root`, in hexadecimal.

    A file is read again only when its size, times or inode changed since the last call, as git does; the
    time of the last status change cannot be set by hand, so an edit that keeps size and time is noticed too.
    """
    numbers = (number for name in files for number in _file_signature(root / name))
    stats = np.fromiter(numbers, dtype=np.int64, count=4 * len(files)).reshape(-1, 4)
    index = paths.cache_home() / "digests" / hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
    digests, fresh = _look_up_digests(index, files, stats)
    if len(fresh):
        for place, digest in zip(fresh, _hash_files(root, [files[place] for place in fresh]), strict=True):
            digests[place] = np.frombuffer(digest, dtype=np.uint8)
        _write_index(index, files, stats, digests)
    return tuple(digest.tobytes().hex() for digest in digests)


def _file_signature(path: Path) -> tuple[int, int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _hash_files(root: Path, files: list[str]) -> Iterator[bytes]:
    """The SHA-256 of each file; few at a time, as one that waits for its turn takes more memory than a digest."""
    with ThreadPoolExecutor(cores()) as pool:
        for first in range(0, len(files), _AT_ONCE):
            some = (root / name for name in files[first : first + _AT_ONCE])
            yield from map(bytes.fromhex, pool.map(storage.sha256_file, some))


def _look_up_digests(index: Path, files: tuple[str, ...], stats: IntArray) -> tuple[Digests, IntArray]:
    """The digests (n, 32) of the files, and the places of those that are not known from earlier."""
    digests: Digests = np.zeros((len(files), 32), dtype=np.uint8)
    names, earlier_stats, earlier_digests = _read_index(index)
    rows = {name: row for row, name in enumerate(names)}
    earlier = np.fromiter((rows.get(name, -1) for name in files), dtype=np.int64, count=len(files))
    there = np.flatnonzero(earlier >= 0)
    there = there[(earlier_stats[earlier[there]] == stats[there]).all(1)]
    digests[there] = earlier_digests[earlier[there]]
    return digests, np.setdiff1d(np.arange(len(files)), there)


def _read_index(index: Path) -> tuple[list[str], IntArray, Digests]:
    """What was hashed earlier: names (m,), stats (m, 4), digests (m, 32); nothing where the index was damaged."""
    nothing: tuple[list[str], IntArray, Digests] = [], np.empty((0, 4), np.int64), np.empty((0, 32), np.uint8)
    try:
        content = index.read_bytes()
    except FileNotFoundError:
        return nothing
    checksum, payload = content[:32], content[32:]
    if hashlib.sha256(payload).digest() != checksum:
        return nothing
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
            return os.fsdecode(arrays["names"].tobytes()).split("\0"), arrays["stats"], arrays["digests"]
    except (ValueError, KeyError, zipfile.BadZipFile):  # another version's layout
        return nothing


def _write_index(index: Path, files: tuple[str, ...], stats: IntArray, digests: Digests) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        names=np.frombuffer(os.fsencode("\0".join(files)), dtype=np.uint8),
        stats=stats,
        digests=digests,
    )
    payload = buffer.getvalue()
    storage.make_folder(index.parent)
    storage.write_file(index, hashlib.sha256(payload).digest() + payload)
