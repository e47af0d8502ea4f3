"""Lists that a user writes: text files with a name or a path a line."""

from pathlib import Path

from office31_cli.data.csv_rows import BYTE_ORDER_MARK
from office31_cli.errors import Misuse
from office31_cli.text import printable

LARGEST = 1 << 26
"""Bytes of the longest list that is read: some hundred thousand paths."""


def read_list(path: Path, option: str, entry: str, *, errors: str = "strict") -> list[tuple[int, str]]:
    """The lines of a UTF-8 text file that are not blank, each with its number, without line ends (LF or CRLF).

    `option` is where the file was named, and `entry` what a line of it is. With `errors` as "surrogateescape", bytes
    that are no UTF-8 are kept as Python keeps them in the names of files. Raises `Misuse` where the file cannot be
    read, is larger than `LARGEST` or is no text.
    """
    what, fix = f"{option} {printable(str(path))}", f"give a file with a {entry} a line"
    return split_lines(read_content(path, what, fix), what, fix, errors=errors)


def read_content(path: Path, what: str, fix: str) -> bytes:
    """The bytes of a file; raises `Misuse` where it cannot be read or is larger than `LARGEST`."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise Misuse(what, (error.strerror or "it cannot be read").lower(), fix) from None
    if len(content) > LARGEST:
        raise Misuse(what, f"it is larger than {LARGEST:,} bytes", fix)
    return content


def split_lines(content: bytes, what: str, fix: str, *, errors: str = "strict") -> list[tuple[int, str]]:
    """As `read_list`, of a file's bytes."""
    lines = []
    for number, line in enumerate(content.removeprefix(BYTE_ORDER_MARK).split(b"\n"), 1):
        try:
            text = line.removesuffix(b"\r").decode("utf-8", errors)
        except UnicodeDecodeError:
            raise Misuse(f"{what}, line {number}", "it is no text in UTF-8", fix) from None
        if "\0" in text:
            raise Misuse(f"{what}, line {number}", "it holds a zero byte", fix)
        if text.strip():
            lines.append((number, text))
    return lines
