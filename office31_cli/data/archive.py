"""Reads photographs from an archive or a folder that nobody vouches for.

Nothing is ever extracted to where a member's name says. The names only decide, through the manifest, which
photograph a member is meant to be; its bytes are handed on, never more than the manifest's size and one. What
an honest archive of photographs does not hold (links, devices, names that climb out of the folder, two files
for one name, gigabytes of zeros) is refused, also in files that nobody wants.
"""

import errno
import gzip
import io
import os
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from office31_cli.data.manifest import Entry
from office31_cli.errors import Refused
from office31_cli.text import printable

FindEntry = Callable[[str], Entry | None]
"""Which photograph a member of this name is meant to be; None for what is not wanted."""

MAX_FILES = 20_000
MAX_FILE_BYTES = 1 << 27
MAX_BYTES = 1 << 29
"""All that a tar may unpack to, and all that a zip may say it does: six times Office-31."""

SPARE = 6
"""How many times as many files and bytes as the photographs wanted of it an archive may hold, where that is more."""

MAX_INDEX_BYTES = 1 << 22
"""A zip's list of members, or what a tar says between two of them: both are read into memory at once."""

_FIX = "take another copy of the archive"
_CHUNK = 1 << 20
_TAR_BLOCK = 512
_ZIP_HEADER = 30

_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    ValueError,
    OverflowError,
    RuntimeError,  # zipfile: a password is needed, a method is unknown; tarfile: headers nested too deeply
)
"""What the standard library raises, between its lines and by design, on archives that are damaged or hostile."""


@dataclass(frozen=True)
class _Source:
    """An archive or a folder, what is wanted of it, and how much it may hold."""

    path: Path
    find: FindEntry
    most_files: int
    most_bytes: int

    def refusal(self, why: str) -> Refused:
        return Refused(printable(str(self.path)), why, _FIX)


def read_photographs(path: Path, find: FindEntry, *, files: int = 0, size: int = 0) -> Iterator[tuple[Entry, bytes]]:
    """Every file in a folder, .zip, .tar or .tar.gz that `find` knows, with its bytes.

    `files` and `size` are how many photographs of how many bytes it is expected to hold. The bytes are cut after one
    more than the manifest says: comparing them is the caller's part. Raises `Refused` for a damaged or hostile source,
    whose remaining photographs should then not be trusted either.
    """
    source = _Source(path, find, max(MAX_FILES, SPARE * files), max(MAX_BYTES, SPARE * size))
    try:
        yield from _choose_reader(path)(source)
    except _DAMAGE as error:
        raise source.refusal(f"damaged ({printable(str(error)) or type(error).__name__})") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a damaged zip sends the reader to before the file's start
            raise
        raise source.refusal("damaged (an impossible offset)") from error


def _choose_reader(path: Path) -> Callable[[_Source], Iterator[tuple[Entry, bytes]]]:
    if path.is_dir():
        return _read_folder
    with path.open("rb") as stream:
        start = stream.read(4)
    if start in (b"PK\x03\x04", b"PK\x05\x06"):
        return _read_zip
    return _read_tar_gz if start.startswith(b"\x1f\x8b") else _read_tar


# Folders


def _read_folder(source: _Source) -> Iterator[tuple[Entry, bytes]]:
    count = 0
    for folder, folders, files in os.walk(source.path, onerror=_raise):
        folders.sort()
        for path in (Path(folder, name) for name in sorted(files + folders)):
            count += 1
            if count > source.most_files:
                raise source.refusal(f"holds more than {source.most_files:,} files")
            name = path.relative_to(source.path).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode):
                raise source.refusal(f"{printable(name)} is not a regular file")
            if entry := source.find(name):
                yield entry, _read_file(path, entry.bytes + 1)


def _raise(error: OSError) -> None:
    raise error


def _read_file(path: Path, most: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(most)


# What holds for the members of every archive


class _Names:
    """The names of an archive's files so far; refuses one that could land outside or on another."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._seen: set[str] = set()
        self._count = 0

    def check(self, name: str, size: int, *, file: bool) -> None:
        """Take note of a member; raises `Refused` where no honest archive has one like it."""
        shown = printable(name[:200])
        self._count += 1
        if self._count > self._source.most_files:
            raise self._source.refusal(f"holds more than {self._source.most_files:,} files")
        if not 0 <= size <= MAX_FILE_BYTES:
            raise self._source.refusal(f"{shown} claims {size:,} bytes, the most is {MAX_FILE_BYTES:,}")
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or re.search(r"[\\\0]|^[A-Za-z]:", name):
            raise self._source.refusal(f"the name {shown} points outside of the archive")
        if not file:
            return
        # Two names that a Mac or Windows takes for one are one: which of them counts must not depend on the disk.
        landing = unicodedata.normalize("NFC", "/".join(part for part in parts if part not in ("", ".")))
        if landing.casefold() in self._seen:
            raise self._source.refusal(f"two files are named {shown}, or differ in case only")
        self._seen.add(landing.casefold())


# Tar


class _Metered(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes in all, counted after decompression."""

    def __init__(self, source: _Source, stream: io.BufferedIOBase) -> None:
        self._source, self._stream = source, stream
        self._given = 0
        self.limit = MAX_INDEX_BYTES

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._given += len(block)
        if self._given > self.limit:
            raise self._source.refusal(f"unpacks to more than the {self.limit:,} bytes that are allowed here")
        return block


def _read_tar_gz(source: _Source) -> Iterator[tuple[Entry, bytes]]:
    with gzip.open(source.path) as stream:
        yield from _read_tar_stream(source, stream)


def _read_tar(source: _Source) -> Iterator[tuple[Entry, bytes]]:
    with source.path.open("rb") as stream:
        yield from _read_tar_stream(source, stream)


def _read_tar_stream(source: _Source, stream: io.BufferedIOBase) -> Iterator[tuple[Entry, bytes]]:
    names, metered = _Names(source), _Metered(source, stream)
    # "r|" only ever reads forward, so that no header can send the reader back to an earlier one.
    with tarfile.open(fileobj=metered, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            names.check(member.name, member.size, file=not member.isdir())
            if not (member.isdir() or member.isreg()) or member.issparse():
                raise source.refusal(f"{printable(member.name)} is a link or another special file")
            if member.isreg() and (entry := source.find(member.name)) and (content := tar.extractfile(member)):
                yield entry, content.read(entry.bytes + 1)
            # tarfile reads a header's extensions whole: grant it this member and a little, not the rest.
            end = member.offset_data + member.size + _TAR_BLOCK
            metered.limit = min(end + MAX_INDEX_BYTES, source.most_bytes)
        metered.limit = source.most_bytes
        while metered.read(_CHUNK):  # to the end: only there does gzip compare its checksum
            pass


# Zip


class _Frugal(io.BufferedReader):
    """A file of which no one asks for more than a zip's list of members may take."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = MAX_INDEX_BYTES + 1 if size is None or size < 0 else size  # without a size: to the end
        content = super().read(min(wanted, MAX_INDEX_BYTES + 1))
        if len(content) > MAX_INDEX_BYTES:
            raise zipfile.BadZipFile("its list of members is too long")
        return content


def _read_zip(source: _Source) -> Iterator[tuple[Entry, bytes]]:
    with _Frugal(io.FileIO(source.path)) as stream, zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        _check_zip(source, members)
        for member in members:
            if not member.is_dir() and (entry := source.find(member.filename)):
                with archive.open(member) as content:
                    yield entry, content.read(entry.bytes + 1)


def _check_zip(source: _Source, members: list[zipfile.ZipInfo]) -> None:
    """Judge all that the list of members says, before a byte of them is unpacked."""
    names = _Names(source)
    for member in members:
        name = member.orig_filename  # `filename` is cut at a NUL
        names.check(name, member.file_size, file=not member.is_dir())
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise source.refusal(f"{printable(name)} is a link or another special file")
        if member.flag_bits & 0x2041:  # the file, with a strong method, the list itself
            raise source.refusal(f"{printable(name)} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise source.refusal(f"{printable(name)} is packed in a way that is not supported")
    if sum(member.file_size for member in members) > source.most_bytes:
        raise source.refusal(f"unpacks to more than {source.most_bytes:,} bytes")
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise source.refusal(f"{printable(member.orig_filename)} overlaps another file")
        end = member.header_offset + _ZIP_HEADER + len(member.orig_filename) + member.compress_size
    if end > source.path.stat().st_size:
        raise source.refusal("shorter than it says")
