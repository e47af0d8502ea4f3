"""The photographs of one domain: where they are, what they show, and a hash of each one's bytes."""

import dataclasses
import functools
import hashlib
import io
import os
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from office31_cli import paths, storage

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class Photographs:
    """The n photographs of one domain, ordered by item and name.

    `files` are paths below `root`; `items` (n,) are positions in the data set's item names, all -1 where the
    domain is not `labelled`; `digests` are the SHA-256 of each file, in hexadecimal. `rows` (n,) are positions
    among all photographs of the domain, which stay the same in a `subset`: decoded pixels and features are stored
    by them.
    """

    domain: str
    root: Path
    files: tuple[str, ...]
    items: IntArray
    digests: tuple[str, ...]
    rows: IntArray
    labelled: bool = True

    @classmethod
    def of(cls, domain: str, root: Path, names: dict[str, list[str]]) -> "Photographs":
        """The files `names[item]` in the folder `item` below `root`, hashed; `names['']` are of no item."""
        labelled = "" not in names
        files = tuple(f"{item}/{name}" if item else name for item, pictures in names.items() for name in pictures)
        numbers = np.arange(len(names)) if labelled else np.array([-1])
        items = np.repeat(numbers, [len(pictures) for pictures in names.values()])
        return cls(domain, root, files, items, digest_files(root, files), np.arange(len(files)), labelled)

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
    stats = np.array([_signature(root / name) for name in files], dtype=np.int64).reshape(-1, 4)
    index = paths.cache_home() / "digests" / hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
    known = _read_index(index)
    digests = [
        known_digest if (known_digest := known.get((name, *row))) else b""
        for name, row in zip(files, stats.tolist(), strict=True)
    ]
    fresh = [place for place, digest in enumerate(digests) if not digest]
    if fresh:
        for place, digest in zip(fresh, _hash_all(root / files[place] for place in fresh), strict=True):
            digests[place] = digest
        _write_index(index, files, stats, digests)
    return tuple(digest.hex() for digest in digests)


def _signature(path: Path) -> tuple[int, int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _hash_all(files: Iterable[Path]) -> list[bytes]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [bytes.fromhex(digest) for digest in pool.map(storage.sha256_file, files)]


def _read_index(index: Path) -> dict[tuple[str | int, ...], bytes]:
    """What was hashed earlier; empty where nothing was, or where the index was damaged."""
    try:
        content = index.read_bytes()
    except FileNotFoundError:
        return {}
    checksum, payload = content[:32], content[32:]
    if hashlib.sha256(payload).digest() != checksum:
        return {}
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
            names = os.fsdecode(arrays["names"].tobytes()).split("\0")
            stats, digests = arrays["stats"].tolist(), arrays["digests"]
    except (ValueError, KeyError, zipfile.BadZipFile):  # another version's layout
        return {}
    return {(name, *row): digest.tobytes() for name, row, digest in zip(names, stats, digests, strict=True)}


def _write_index(index: Path, files: tuple[str, ...], stats: npt.NDArray[np.int64], digests: list[bytes]) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        names=np.frombuffer(os.fsencode("\0".join(files)), dtype=np.uint8),
        stats=stats,
        digests=np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32),
    )
    payload = buffer.getvalue()
    storage.make_folder(index.parent)
    storage.write_file(index, hashlib.sha256(payload).digest() + payload)
