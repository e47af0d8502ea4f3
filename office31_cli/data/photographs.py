"""The photographs of one domain: where they are, what they show, and a hash of each one's bytes."""

import dataclasses
import functools
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from office31_cli import paths, storage
from office31_cli.data.parts import TEST, TRAIN, VALIDATION
from office31_cli.processes import cores

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Digests = npt.NDArray[np.uint8]

UNLABELLED = -1
"""In place of an item's number: nothing says what the photograph shows."""

UNKNOWN = -2
"""In place of an item's number: the photograph shows an item that is none of the data set's `items`."""

_AT_ONCE = 1024
"""Files that are handed to the threads at a time."""


@dataclasses.dataclass(frozen=True, eq=False)
class Photographs:
    """The n photographs of one domain, in the order of its listing.

    `files` are paths below `root`; `items` (n,) are positions in the data set's items, or `UNLABELLED`, or `UNKNOWN`
    for an item that is none of these; `digests` are the SHA-256 of each file, in hexadecimal. `rows` (n,) are
    positions among all photographs of the domain, which stay the same in a `subset`: decoded pixels and features are
    stored by them.
    """

    domain: str
    root: Path
    files: tuple[str, ...]
    items: IntArray
    digests: tuple[str, ...]
    rows: IntArray
    parts: tuple[str, ...] = ()
    """The part of each that the folder or index says, `TRAIN`, `VALIDATION` or `TEST`; empty where it says none."""

    @classmethod
    def of(
        cls, domain: str, root: Path, files: Sequence[str], items: Sequence[int], parts: Sequence[str | None] = ()
    ) -> "Photographs":
        """The files below `root`, hashed, with their items' numbers; those in no part, where there are, are `TRAIN`."""
        names = tuple(files)
        return cls(
            domain,
            root,
            names,
            np.array(items, dtype=np.int64),
            digest_files(root, names),
            np.arange(len(names)),
            tuple(part or TRAIN for part in parts),
        )

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
            parts=tuple(self.parts[i] for i in chosen) if self.parts else (),
        )

    def in_part(self, part: str) -> BoolArray:
        """Which photographs (n,) are in a part; all of a domain without parts are in `TRAIN`."""
        return np.array([each == part for each in self.parts or (TRAIN,) * len(self)], dtype=np.bool_)

    @property
    def to_score(self) -> BoolArray | None:
        """Which photographs (n,) are in the part that is scored; None where no part is to be, and one must be drawn.

        That is `TEST`; without a label there, `VALIDATION`.
        """
        for part in (TEST, VALIDATION) if self.parts else ():
            mask = self.in_part(part)
            if (self.items[mask] != UNLABELLED).any():
                return mask
        return None

    @property
    def is_known(self) -> BoolArray:
        """Which photographs (n,) are labelled with one of the data set's items."""
        known: BoolArray = self.items >= 0
        return known

    @property
    def is_unknown(self) -> BoolArray:
        """Which photographs (n,) are labelled with an item that is none of the data set's."""
        unknown: BoolArray = self.items == UNKNOWN
        return unknown

    @property
    def has_labels(self) -> bool:
        """Whether at least one photograph is labelled with one of the data set's items."""
        return bool(self.is_known.any())

    def known(self) -> "Photographs":
        """The photographs that are labelled with one of the data set's items."""
        return self if self.is_known.all() else self.subset(self.is_known)

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
        _write_index(index, *_keep_others(index, root, files, stats, digests))
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


def _keep_others(
    index: Path, root: Path, files: tuple[str, ...], stats: IntArray, digests: Digests
) -> tuple[tuple[str, ...], IntArray, Digests]:
    """The files, and after them others that were hashed earlier and are still there: of a domain with the same root."""
    names, earlier_stats, earlier_digests = _read_index(index)
    known = set(files)
    rows = [row for row, name in enumerate(names) if name not in known and (root / name).exists()]
    others = tuple(names[row] for row in rows)
    return (
        (*files, *others),
        np.concatenate([stats, earlier_stats[rows]]),
        np.concatenate([digests, earlier_digests[rows]]),
    )


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
