"""What Office-31 consists of: one row a photograph, shipped with the package.

`office31.csv.gz` is a gzip'd CSV (mtime 0) with the header `domain,item,file,bytes,width,height,sha256`, sorted
by domain, item and file. It was made once from the original distribution's `DOMAIN/images/ITEM/frame_NNNN.jpg`,
by hashing each file and reading the size of its picture; all 4,110 are RGB JPEGs.
"""

import csv
import functools
import gzip
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from office31_cli import storage
from office31_cli.observer import SILENT, Observer
from office31_cli.text import join_names, pluralize, printable


@dataclass(frozen=True, slots=True)
class Entry:
    """One photograph: where it belongs, how large it is, and the SHA-256 of its bytes in hexadecimal."""

    domain: str
    item: str
    file: str
    bytes: int
    width: int
    height: int
    sha256: str

    @property
    def path(self) -> str:
        """Its place below the data set's folder, `DOMAIN/ITEM/frame_NNNN.jpg`."""
        return f"{self.domain}/{self.item}/{self.file}"


@functools.cache
def entries() -> Mapping[str, Entry]:
    """Every photograph by its `path`, in the manifest's order."""
    packed = resources.files(__package__).joinpath("office31.csv.gz").read_bytes()
    rows = csv.DictReader(io.StringIO(gzip.decompress(packed).decode("ascii"), newline=""))
    every = (
        Entry(
            domain=row["domain"],
            item=row["item"],
            file=row["file"],
            bytes=int(row["bytes"]),
            width=int(row["width"]),
            height=int(row["height"]),
            sha256=row["sha256"],
        )
        for row in rows
    )
    return MappingProxyType({entry.path: entry for entry in every})


@functools.cache
def domains() -> Mapping[str, int]:
    """How many photographs each domain has."""
    counts: dict[str, int] = {}
    for entry in entries().values():
        counts[entry.domain] = counts.get(entry.domain, 0) + 1
    return MappingProxyType(counts)


def is_whole(domain: str, digests: Iterable[str]) -> bool:
    """Whether these SHA-256, in whatever order, are those of all photographs of a domain of Office-31."""
    return sorted(digests) == sorted(entry.sha256 for entry in entries().values() if entry.domain == domain) != []


def find(name: str, domain: str | None = None) -> Entry | None:
    """The photograph that a file of this name is meant to be, however the archive is wrapped; None for others.

    `name` is a relative path with `/` between its parts: `[ANYTHING/][DOMAIN/][images/]ITEM/FILE`. Where the
    level of the domain is absent, as in an archive of one domain, `domain` says which it is.
    """
    *above, item, file = ["", "", *name.split("/")]
    if above[-1] == "images":
        above.pop()
    if above[-1] in domains():
        domain = above[-1]
    return entries().get(f"{domain}/{item}/{file}")


@dataclass(frozen=True)
class Differences:
    """How a folder differs from the manifest: paths below it, in order."""

    missing: tuple[str, ...]
    altered: tuple[str, ...]
    extra: tuple[str, ...]

    def __str__(self) -> str:
        """Each kind with its number and the first few names."""
        kinds = (("missing", self.missing), ("altered", self.altered), ("not of the data set", self.extra))
        return "; ".join(
            f"{pluralize(len(names), 'file')} {kind} ({join_names(map(printable, names), 3)})"
            for kind, names in kinds
            if names
        )


def compare(root: Path, observer: Observer = SILENT) -> Differences:
    """Hold every file below `root` against the manifest."""
    missing, altered = [], []
    with observer.track("checking photographs", len(entries())) as advance:
        for entry in entries().values():
            try:
                if not _is_at(root / entry.path, entry):
                    altered.append(entry.path)
            except (FileNotFoundError, NotADirectoryError):
                missing.append(entry.path)
            advance(1)
    extra = sorted(path for path in _files(root) if path not in entries())
    return Differences(tuple(missing), tuple(altered), tuple(extra))


def _is_at(path: Path, entry: Entry) -> bool:
    status = path.lstat()
    regular = stat.S_ISREG(status.st_mode)  # opening a FIFO would wait for ever
    return regular and status.st_size == entry.bytes and storage.sha256_file(path) == entry.sha256


def _files(root: Path) -> Iterator[str]:
    """All below `root` that is not a folder, links to folders included."""
    for folder, folders, files in os.walk(root):
        for path in (Path(folder, name) for name in folders + files):
            if path.is_symlink() or not path.is_dir():
                yield path.relative_to(root).as_posix()
