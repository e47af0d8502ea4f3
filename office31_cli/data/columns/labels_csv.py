"""A folder's own labels: `labels.csv` beside its domains, a row a photograph and a column for each thing stated.

    file,colour,scratched:yes/no,grams:number
    shop/mug/1.jpg,red,no,310
    phone/images/mug/7.jpg,blue,yes,

A column's kind is declared after its name, or inferred from what it holds. An empty field states nothing: it
matters only where the photograph is trained on. What a column `item` states is known already: `data.labels` read it
when the data set was opened.
"""

import functools
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from office31_cli import outputs
from office31_cli.data.data_set import DataSet
from office31_cli.data.labels_table import FILE, FIRST_COLUMNS, ITEM, Key, LabelsTable, is_there, malformed, parse_title
from office31_cli.errors import Misuse
from office31_cli.outputs.base import Unreadable
from office31_cli.outputs.notation import RESERVED, SEPARATE
from office31_cli.text import did_you_mean, join_names, printable

if TYPE_CHECKING:
    from office31_cli.data.photographs import BoolArray, Photographs
    from office31_cli.outputs.base import FloatArray

_JUST_NOW = 100_000_000
"""Nanoseconds: file systems note a change more finely than this."""


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
    malformed: not CSV in UTF-8, a first column other than `file` or `path`, a column without a name or with one of
    `reserved`, an unknown kind, a value that is not of its column's kind, a row that is too long or short, names no
    photograph, or one that was named before.
    """
    path = data.root / FILE
    if not is_there(path):
        return {}
    state = path.stat()
    signature = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
    # A file that has just been written may change once more without any of this changing.
    parse = _parse.__wrapped__ if time.time_ns() - state.st_ctime_ns < _JUST_NOW else _parse
    return parse(data, (*FIRST_COLUMNS, *reserved, *outputs.kinds(), SEPARATE), signature)


@functools.lru_cache(maxsize=4)
def _parse(data: DataSet, taken: tuple[str, ...], signature: tuple[int, ...]) -> Mapping[str, StatedColumn]:
    """The file's columns; a name that is `taken` cannot be theirs, and the `signature` is that of its present state."""
    table = LabelsTable.read(data.root / FILE)
    names = _parse_header(table, taken)
    keys = table.find_photographs(data)
    columns = {
        name: _parse_column(table, place, name, kind, keys)
        for place, (name, kind) in enumerate(names, 1)
        if name != ITEM
    }
    return MappingProxyType(columns)


def _parse_header(table: LabelsTable, taken: tuple[str, ...]) -> list[tuple[str, str | None]]:
    """Each further column's name and, where declared, its kind."""
    table.find_item_column()
    names: list[tuple[str, str | None]] = []
    for place, title in enumerate(table.header[1:], 2):
        name, kind = parse_title(title)
        where = f"column {name or place}, row 1"
        if not name or any(character in name for character in RESERVED):
            raise malformed(table.path, where, f"a name holds at least one letter and none of {' '.join(RESERVED)}")
        if (name in taken and name != ITEM) or name in dict(names):
            raise malformed(table.path, where, "the name is taken")
        if kind is not None and kind not in _column_kinds():
            raise malformed(table.path, where, f"there is no kind {kind!r}; {did_you_mean(kind, _column_kinds())}")
        names.append((name, kind))
    return names


def _column_kinds() -> list[str]:
    """The kinds that a column can have."""
    return [kind for kind in outputs.kinds() if not outputs.load(kind).fixed_columns]


def _parse_column(table: LabelsTable, place: int, name: str, kind: str | None, keys: list[Key]) -> StatedColumn:
    stated = [(number, row[place]) for number, row in enumerate(table.rows) if row[place]]
    if not stated:
        raise malformed(table.path, f"column {name}, row 2", "the column states nothing")
    texts = [text for _, text in stated]
    kind = kind or outputs.infer_kind(set(texts))
    try:
        numbers, labels = outputs.load(kind).parse_column(texts)
    except Unreadable as error:
        number, text = stated[error.place]
        raise malformed(table.path, f"column {name}, row {number + 2}", f"{text!r} {error}") from None
    values = {keys[number]: value for (number, _), value in zip(stated, numbers, strict=True)}
    return StatedColumn(name, kind, labels, values, table.path)


def _keys_of(photographs: "Photographs") -> list[Key]:
    return [(photographs.domain, file) for file in photographs.files]
