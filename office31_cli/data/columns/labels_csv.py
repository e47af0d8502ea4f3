"""A folder's own labels: `labels.csv` beside its domains, a row a photograph and a column for each thing stated.

    file,colour,scratched:yes/no,grams:number
    shop/mug/1.jpg,red,no,310
    phone/images/mug/7.jpg,blue,yes,

A column's kind is declared after its name, or inferred from what it holds. An empty field states nothing: it
matters only where the photograph is trained on.
"""

import csv
import functools
import io
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from office31_cli import outputs
from office31_cli.data.data_set import DataSet
from office31_cli.errors import Misuse, from_os_error
from office31_cli.outputs.base import Unreadable
from office31_cli.outputs.notation import RESERVED, SEPARATE
from office31_cli.text import did_you_mean, join_names, printable

if TYPE_CHECKING:
    from office31_cli.data.photographs import BoolArray, Photographs
    from office31_cli.outputs.base import FloatArray

FILE = "labels.csv"

_LARGEST = 1 << 28
"""Bytes of the largest file that is read: some millions of rows."""

_JUST_NOW = 100_000_000
"""Nanoseconds: file systems note a change more finely than this."""

Key = tuple[str, str]
"""A photograph by its domain and its file below the domain's listing."""


@dataclass(frozen=True)
class StatedColumn:
    """A `base.Column` of the file: its kind, its labels where that is a choice, and the values that it states."""

    name: str
    kind: str
    labels: tuple[str, ...]
    stated: Mapping[Key, float]
    where: Path

    def values(self, photographs: "Photographs") -> "FloatArray":
        """The values (n,); raises `Misuse` naming the photographs of which none is stated."""
        import numpy as np

        keys = _keys_of(photographs)
        without = ["/".join(key) for key in keys if key not in self.stated]
        if without:
            raise Misuse(
                printable(f"{self.where}: column {self.name}"),
                f"no value for {len(without):,} of {len(keys):,} photographs of {printable(photographs.domain)} "
                f"({printable(join_names(without, 2))})",
                "state them, or leave the column out of --outputs",
            )
        return np.array([self.stated[key] for key in keys])

    def known_mask(self, photographs: "Photographs") -> "BoolArray":
        """Which of the photographs (n,) have a value."""
        import numpy as np

        return np.array([key in self.stated for key in _keys_of(photographs)], dtype=np.bool_)


def read_columns(data: DataSet, reserved: Iterable[str]) -> Mapping[str, StatedColumn]:
    """The columns of the data set's `labels.csv`, which is parsed once for as long as it stays as it is.

    Empty where there is no such file. Raises `Misuse` naming the column and row (the header is row 1) where it is
    malformed: not CSV in UTF-8, a first column other than `file`, a column without a name or with one of `reserved`,
    an unknown kind, a value that is not of its column's kind, a row that is too long or short, names no photograph, or
    one that was named before.
    """
    path = data.root / FILE
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise _malformed(path, "", "it is no regular file")
    if not path.exists():
        return {}
    state = path.stat()
    signature = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
    # A file that has just been written may change once more without any of this changing.
    parse = _parse.__wrapped__ if time.time_ns() - state.st_ctime_ns < _JUST_NOW else _parse
    return parse(data, ("file", *reserved, *outputs.kinds(), SEPARATE), signature)


@functools.lru_cache(maxsize=4)
def _parse(data: DataSet, taken: tuple[str, ...], signature: tuple[int, ...]) -> Mapping[str, StatedColumn]:
    """The file's columns; a name that is `taken` cannot be theirs, and the `signature` is that of its present state."""
    path = data.root / FILE
    header, rows = _read_table(path)
    names = _parse_header(path, header, taken)
    keys = _parse_files(path, data, rows)
    columns = {name: _parse_column(path, place, name, kind, keys, rows) for place, (name, kind) in enumerate(names, 1)}
    return MappingProxyType(columns)


def _read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the rows, each as long as the header, every field stripped."""
    table: list[list[str]] = []
    try:
        if path.stat().st_size > _LARGEST:
            raise _malformed(path, "", f"it is larger than {_LARGEST:,} bytes")
        text = path.read_bytes().decode("utf-8-sig")
        table.extend([field.strip() for field in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True))
    except OSError as error:
        raise from_os_error(error) from None
    except UnicodeDecodeError as error:
        raise _malformed(path, "", f"byte {error.start:,} is not UTF-8") from None
    except csv.Error as error:
        raise _malformed(path, f"row {len(table) + 1}", str(error)) from None
    while table and not any(table[-1][:1]) and len(table[-1]) <= 1:  # blank lines at the end
        table.pop()
    if not table or table[0][:1] != ["file"]:
        raise _malformed(path, "row 1", "the first column must be called file")
    header, *rows = table
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise _malformed(path, f"row {number}", f"it has {len(row)} fields where the header has {len(header)}")
    for number, row in enumerate(table, 1):
        for title, field in zip(header, row, strict=True):
            if "\0" in field:
                raise _malformed(path, f"column {title.partition(':')[0]}, row {number}", "it holds a NUL character")
    return header, rows


def _parse_header(path: Path, header: list[str], taken: tuple[str, ...]) -> list[tuple[str, str | None]]:
    """Each further column's name and, where declared, its kind."""
    names: list[tuple[str, str | None]] = []
    for place, title in enumerate(header[1:], 2):
        name, colon, kind = (part.strip() for part in title.partition(":"))
        where = f"column {name or place}, row 1"
        if not name or any(character in name for character in RESERVED):
            raise _malformed(path, where, f"a name holds at least one letter and none of {' '.join(RESERVED)}")
        if name in taken or name in dict(names):
            raise _malformed(path, where, "the name is taken")
        if colon and kind not in _column_kinds():
            raise _malformed(path, where, f"there is no kind {kind!r}; {did_you_mean(kind, _column_kinds())}")
        names.append((name, kind if colon else None))
    return names


def _column_kinds() -> list[str]:
    """The kinds that a column can have."""
    return [kind for kind in outputs.kinds() if not outputs.load(kind).fixed_columns]


def _parse_files(path: Path, data: DataSet, rows: list[list[str]]) -> list[Key]:
    known: dict[str, Key] = {
        f"{domain}/{between}{file}": (domain, file)
        for domain, listing in data.listings.items()
        for file in listing.files
        for between in ("", "images/")
    }
    first: dict[Key, int] = {}
    for number, (file, *_) in enumerate(rows, 2):
        key = known.get(file)
        if key is None:
            raise _malformed(path, f"column file, row {number}", f"the data set has no photograph {file!r}")
        if key in first:
            raise _malformed(path, f"column file, row {number}", f"{file!r} was named in row {first[key]} already")
        first[key] = number
    return list(first)


def _parse_column(
    path: Path, place: int, name: str, kind: str | None, keys: list[Key], rows: list[list[str]]
) -> StatedColumn:
    stated = [(number, row[place]) for number, row in enumerate(rows) if row[place]]
    if not stated:
        raise _malformed(path, f"column {name}, row 2", "the column states nothing")
    texts = [text for _, text in stated]
    kind = kind or outputs.infer_kind(set(texts))
    try:
        numbers, labels = outputs.load(kind).parse_column(texts)
    except Unreadable as error:
        number, text = stated[error.place]
        raise _malformed(path, f"column {name}, row {number + 2}", f"{text!r} {error}") from None
    return StatedColumn(
        name, kind, labels, {keys[number]: value for (number, _), value in zip(stated, numbers, strict=True)}, path
    )


def _keys_of(photographs: "Photographs") -> list[Key]:
    return [(photographs.domain, file) for file in photographs.files]


def _malformed(path: Path, where: str, why: str) -> Misuse:
    what = f"{path}: {where}" if where else str(path)
    return Misuse(printable(what), printable(why), "mend the file: office31 guide several-outputs says what it holds")
