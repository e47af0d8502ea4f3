"""Takes photographs out of an archive or a folder that nobody vouches for.

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
from pathlib import Path

from office31_cli.data.manifest import Entry
from office31_cli.errors import Refused
from office31_cli.text import printable

Find = Callable[[str], Entry | None]
"""Which photograph a member of this name is meant to be; None for what is not wanted."""

MAX_FILES = 20_000
MAX_FILE_BYTES = 1 << 27
MAX_BYTES = 1 << 29
"""All that a tar may unpack to, and all that a zip may say it does: six times the photographs."""

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


def read_photographs(source: Path, find: Find) -> Iterator[tuple[Entry, bytes]]:
    """Every file in a folder, .zip, .tar or .tar.gz that `find` knows, with its bytes.

    The bytes are cut after one more than the manifest says: comparing them is the caller's part. Raises
    `Refused` for a damaged or hostile source, whose remaining photographs should then not be trusted either.
    """
    try:
        yield from _reader(source)(source, find)
    except _DAMAGE as error:
        raise _refused(source, f"damaged ({printable(str(error)) or type(error).__name__})") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a damaged zip sends the reader to before the file's start
            raise
        raise _refused(source, "damaged (an impossible offset)") from error


def _reader(source: Path) -> Callable[[Path, Find], Iterator[tuple[Entry, bytes]]]:
    if source.is_dir():
        return _from_folder
    with source.open("rb") as stream:
        start = stream.read(4)
    if start in (b"PK\x03\x04", b"PK\x05\x06"):
        return _from_zip
    return _from_tar_gz if start.startswith(b"\x1f\x8b") else _from_tar


def _refused(source: Path, why: str) -> Refused:
    return Refused(printable(str(source)), why, _FIX)


# Folders


def _from_folder(source: Path, find: Find) -> Iterator[tuple[Entry, bytes]]:
    count = 0
    for folder, folders, files in os.walk(source, onerror=_raise):
        folders.sort()
        for path in (Path(folder, name) for name in sorted(files + folders)):
            count += 1
            if count > MAX_FILES:
                raise _refused(source, f"holds more than {MAX_FILES:,} files")
            name = path.relative_to(source).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode):
                raise _refused(source, f"{printable(name)} is not a regular file")
            if entry := find(name):
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

    def __init__(self, source: Path) -> None:
        self._source = source
        self._seen: set[str] = set()
        self._count = 0

    def check(self, name: str, size: int, *, file: bool) -> None:
        """Take note of a member; raises `Refused` where no honest archive has one like it."""
        shown = printable(name[:200])
        self._count += 1
        if self._count > MAX_FILES:
            raise _refused(self._source, f"holds more than {MAX_FILES:,} files")
        if not 0 <= size <= MAX_FILE_BYTES:
            raise _refused(self._source, f"{shown} claims {size:,} bytes, the most is {MAX_FILE_BYTES:,}")
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or re.search(r"[\\\0]|^[A-Za-z]:", name):
            raise _refused(self._source, f"the name {shown} points outside of the archive")
        if not file:
            return
        # Two names that a Mac or Windows takes for one are one: which of them counts must not depend on the disk.
        landing = unicodedata.normalize("NFC", "/".join(part for part in parts if part not in ("", ".")))
        if landing.casefold() in self._seen:
            raise _refused(self._source, f"two files are named {shown}, or differ in case only")
        self._seen.add(landing.casefold())


# Tar


class _Metered(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes in all, counted after decompression."""

    def __init__(self, source: Path, stream: io.BufferedIOBase) -> None:
        self._source, self._stream = source, stream
        self._given = 0
        self.limit = MAX_INDEX_BYTES

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._given += len(block)
        if self._given > self.limit:
            raise _refused(self._source, f"unpacks to more than the {self.limit:,} bytes that are allowed here")
        return block


def _from_tar_gz(source: Path, find: Find) -> Iterator[tuple[Entry, bytes]]:
    with gzip.open(source) as stream:
        yield from _from_tar_stream(source, stream, find)


def _from_tar(source: Path, find: Find) -> Iterator[tuple[Entry, bytes]]:
    with source.open("rb") as stream:
        yield from _from_tar_stream(source, stream, find)


def _from_tar_stream(source: Path, stream: io.BufferedIOBase, find: Find) -> Iterator[tuple[Entry, bytes]]:
    names, metered = _Names(source), _Metered(source, stream)
    # "r|" only ever reads forward, so that no header can send the reader back to an earlier one.
    with tarfile.open(fileobj=metered, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            names.check(member.name, member.size, file=not member.isdir())
            if not (member.isdir() or member.isreg()) or member.issparse():
                raise _refused(source, f"{printable(member.name)} is a link or another special file")
            if member.isreg() and (entry := find(member.name)) and (content := tar.extractfile(member)):
                yield entry, content.read(entry.bytes + 1)
            # tarfile reads a header's extensions whole: grant it this member and a little, not the rest.
            end = member.offset_data + member.size + _TAR_BLOCK
            metered.limit = min(end + MAX_INDEX_BYTES, MAX_BYTES)
        metered.limit = MAX_BYTES
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


def _from_zip(source: Path, find: Find) -> Iterator[tuple[Entry, bytes]]:
    with _Frugal(io.FileIO(source)) as stream, zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        _check_zip(source, members)
        for member in members:
            if not member.is_dir() and (entry := find(member.filename)):
                with archive.open(member) as content:
                    yield entry, content.read(entry.bytes + 1)


def _check_zip(source: Path, members: list[zipfile.ZipInfo]) -> None:
    """Judge all that the list of members says, before a byte of them is unpacked."""
    names = _Names(source)
    for member in members:
        name = member.orig_filename  # `filename` is cut at a NUL
        names.check(name, member.file_size, file=not member.is_dir())
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(source, f"{printable(name)} is a link or another special file")
        if member.flag_bits & 0x2041:  # the file, with a strong method, the list itself
            raise _refused(source, f"{printable(name)} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refused(source, f"{printable(name)} is packed in a way that is not supported")
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise _refused(source, f"unpacks to more than {MAX_BYTES:,} bytes")
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise _refused(source, f"{printable(member.orig_filename)} overlaps another file")
        end = member.header_offset + _ZIP_HEADER + len(member.orig_filename) + member.compress_size
    if end > source.stat().st_size:
        raise _refused(source, "shorter than it says")
