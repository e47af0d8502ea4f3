"""Archives that try to write outside the folder that they are unpacked in: ours, and Python's own way beside it."""

import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from office31_cli.errors import Office31Error, Refused
from office31_cli.recipes.download import download
from tests.faults.figures import Figure

MARK = b"escaped"


@dataclass(frozen=True)
class Outcome:
    """What came of an archive; `plain` is that of `tarfile.extractall(filter="data")`, None for a zip."""

    row: int
    name: str
    refused: str
    escaped: bool
    plain: str | None


def outcomes(folder: Path) -> list[Outcome]:
    """Each hostile archive given to `office31 download --from`, whose home is below `folder`, and to tarfile."""
    return [_outcome(folder, *made) for made in _archives(folder / "outside")]


def escapes(folder: Path) -> tuple[Figure, list[Outcome]]:
    """How many of the hostile archives wrote outside, or were not refused with exit code 3."""
    found = outcomes(folder)
    wrong = sum(outcome.escaped or not outcome.refused for outcome in found)
    rows = tuple(sorted({outcome.row for outcome in found}))
    return Figure(rows, "hostile archives that escaped or were not refused", len(found), wrong, 0), found


def _outcome(folder: Path, row: int, name: str, content: bytes) -> Outcome:
    shutil.rmtree(folder / "outside", ignore_errors=True)
    (folder / "outside").mkdir(parents=True)
    (folder / "outside" / "canary").write_bytes(b"alive")
    path = folder / "archive"
    path.write_bytes(content)
    before = _seen(folder)
    try:
        download(str(path))
        refused = ""
    except Refused as error:
        refused = str(error)
    except Office31Error:
        refused = ""
    return Outcome(row, name, refused, _seen(folder) != before, _by_tarfile(folder, path))


def _by_tarfile(folder: Path, path: Path) -> str | None:
    inside = folder / "inside"
    shutil.rmtree(inside, ignore_errors=True)
    before = _seen(folder)
    try:
        with tarfile.open(path) as tar:
            tar.extractall(inside, filter="data")
        outcome = "unpacked"
    except tarfile.ReadError:
        return None if zipfile.is_zipfile(path) else "not read"
    except Exception as error:
        outcome = f"refused ({type(error).__name__})"
    return "ESCAPED" if _seen(folder) != before else outcome


def _seen(folder: Path) -> dict[str, bytes]:
    """What lies in `folder`, but for the home and what is unpacked."""
    kept = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in ("home", "inside"))
    return {str(path): path.read_bytes() for path in kept if path.is_file() and not path.is_symlink()}


def _archives(outside: Path) -> Iterator[tuple[int, str, bytes]]:
    for name in ("../outside/x", str(outside / "x"), "..\\outside\\x", "a/../../outside/x"):
        yield 16, f"tar: {name}".replace(str(outside), "/abs"), _tar(_file(name))
        yield 16, f"zip: {name}".replace(str(outside), "/abs"), _zip((name, MARK))
    yield 17, "a link to a folder outside, then a file through it", _tar(_link("a", "../outside"), _file("a/x"))
    yield 17, "a link to a file outside, then that file", _tar(_link("a", "../outside/canary"), _file("a"))
    yield 17, "a hard link to a file outside, then that file", _tar(_hard("a", "../outside/canary"), _file("a"))
    yield 17, "a link in a zip", _zip(_zip_link("a", "../outside/canary"))
    yield 18, "links chained beyond the longest path", _chained()
    yield 19, "a device", _tar(_member("a", type=tarfile.CHRTYPE, devmajor=1, devminor=3))
    yield 19, "a FIFO", _tar(_member("a", type=tarfile.FIFOTYPE))
    yield 20, "a negative size", _negative()


def _member(name: str, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, b""


def _file(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return _member(name, size=len(MARK))[0], MARK


def _link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return _member(name, type=tarfile.SYMTYPE, linkname=target)


def _hard(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return _member(name, type=tarfile.LNKTYPE, linkname=target)


def _chained() -> bytes:
    """Where a path's links resolve to more than PATH_MAX bytes, Python 3.11.7 checks another path than it opens."""
    long, letters = "d" * 247, "abcdefghijklmnop"
    members = []
    for depth, letter in enumerate(letters):
        here = "/".join([long] * depth)
        members += [_member(f"{here}/{long}".lstrip("/"), type=tarfile.DIRTYPE)]
        members += [_link(f"{here}/{letter}".lstrip("/"), long)]
    top = f"{'/'.join(letters)}/{'l' * 254}"
    members += [_link(top, "../" * len(letters)), _link("away", f"{top}/../outside"), _file("away/x")]
    return _tar(*members)


def _negative() -> bytes:
    header = bytearray(_member("a")[0].tobuf())
    header[124:136], header[148:156] = b"\xff" * 11 + b"\0", b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) * 4


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _zip(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in members:
            packed.writestr(name, content)
    return buffer.getvalue()


def _zip_link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target.encode()
