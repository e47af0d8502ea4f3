"""What a data set consists of: one row a photograph, with the SHA-256 of its bytes.

On disk it is a gzip'd CSV (mtime 0) with the header `domain,item,file,bytes,width,height,sha256`, sorted by domain,
item and file.
"""

import csv
import gzip
import io
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
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
        """Its place below the data set's folder, `DOMAIN/ITEM/FILE`."""
        return f"{self.domain}/{self.item}/{self.file}"


_COLUMNS = tuple(field.name for field in fields(Entry))


@dataclass(frozen=True)
class Differences:
    """How a folder differs from a manifest: paths below it, in order."""

    missing: tuple[str, ...]
    altered: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every photograph is there as it should be, whatever else is."""
        return not (self.missing or self.altered)

    def __str__(self) -> str:
        """Each kind with its number and the first few names."""
        kinds = (("missing", self.missing), ("altered", self.altered), ("not of the data set", self.extra))
        return "; ".join(
            f"{pluralize(len(names), 'file')} {kind} ({join_names(map(printable, names), 3)})"
            for kind, names in kinds
            if names
        )


class Manifest:
    """The photographs of a data set: `entries` by their `path`, and how many each of the `domains` has."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries: Mapping[str, Entry] = MappingProxyType({entry.path: entry for entry in entries})
        self.domains: Mapping[str, int] = MappingProxyType(
            dict(Counter(entry.domain for entry in self.entries.values()))
        )
        self.items = tuple(sorted({entry.item for entry in self.entries.values()}))
        self.bytes = sum(entry.bytes for entry in self.entries.values())

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """The manifest in a file that `write` wrote."""
        rows = csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode(), newline=""))
        return cls(
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

    @classmethod
    def scan(cls, root: Path) -> "Manifest":
        """The manifest of the photographs in a folder, laid out as `data.folder.open_folder` reads it."""
        from office31_cli.data.folder import open_folder
        from office31_cli.data.pixels import read_size

        data, entries = open_folder(root), []
        for domain in data.labelled_domains:
            photographs = data.photographs(domain).known()
            for name, digest in zip(photographs.files, photographs.digests, strict=True):
                path = photographs.root / name
                item, _, file = name.partition("/")
                entries.append(Entry(domain, item, file, path.stat().st_size, *read_size(path), digest))
        return cls(entries)

    def write(self, path: Path) -> None:
        """Write it to a file; the same photographs give the same bytes."""
        rows = io.StringIO(newline="")
        writer = csv.writer(rows, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([getattr(entry, name) for name in _COLUMNS] for entry in self.entries.values())
        storage.write_file(path, gzip.compress(rows.getvalue().encode(), mtime=0))

    def is_whole(self, domain: str, digests: Iterable[str]) -> bool:
        """Whether these SHA-256, in whatever order, are those of all photographs of a domain."""
        return sorted(digests) == sorted(entry.sha256 for entry in self._of(domain)) != []

    def find_entry(self, name: str, domain: str | None = None) -> Entry | None:
        """The photograph that a file of this name is meant to be, however the archive is wrapped; None for others.

        `name` is a relative path with `/` between its parts: `[ANYTHING/][DOMAIN/][images/]ITEM/FILE`. Where the
        level of the domain is absent, as in an archive of one domain, `domain` says which it is.
        """
        *above, item, file = ["", "", *name.split("/")]
        if above[-1] == "images":
            above.pop()
        if above[-1] in self.domains:
            domain = above[-1]
        return self.entries.get(f"{domain}/{item}/{file}")

    def compare(self, root: Path, observer: Observer = SILENT) -> Differences:
        """Hold every file below `root` against the manifest."""
        missing, altered = [], []
        with observer.track("checking photographs", len(self.entries)) as advance:
            for entry in self.entries.values():
                try:
                    if not _is_at(root / entry.path, entry):
                        altered.append(entry.path)
                except (FileNotFoundError, NotADirectoryError):
                    missing.append(entry.path)
                advance(1)
        extra = sorted(path for path in _files(root) if path not in self.entries)
        return Differences(tuple(missing), tuple(altered), tuple(extra))

    def _of(self, domain: str) -> Iterator[Entry]:
        return (entry for entry in self.entries.values() if entry.domain == domain)


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
