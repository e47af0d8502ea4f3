"""The `labels.csv` beside a data set's domains: its header, its rows, and the photograph that each row names.

file,item,colour,scratched:yes/no
shop/0001.jpg,mug,red,no
phone/images/mug/7.jpg,,blue,yes
"""

from dataclasses import dataclass
from pathlib import Path

from office31_cli.data import csv_rows
from office31_cli.data.data_set import DataSet
from office31_cli.data.named_files import name_forms
from office31_cli.errors import Misuse, from_os_error
from office31_cli.text import printable

FILE = "labels.csv"

FIRST_COLUMNS = ("file", "path")
"""What the first column may be called."""

ITEM = "item"
"""The column that says what a photograph shows."""

_LARGEST = 1 << 28
"""Bytes of the largest file that is read: some millions of rows."""

_LONGEST_HEADER = 1 << 16
"""Bytes of the longest header in which the item is looked for."""

Key = tuple[str, str]
"""A photograph by its domain and its file below the domain's listing."""


@dataclass(frozen=True)
class LabelsTable:
    """The file's text as rows, each as long as the header; every field is stripped."""

    path: Path
    header: list[str]
    rows: list[list[str]]

    @classmethod
    def read(cls, path: Path) -> "LabelsTable":
        """Read a file; raises `Misuse` naming the row (the header is row 1) where it is no table."""
        table: list[list[str]] = []
        try:
            if path.stat().st_size > _LARGEST:
                raise malformed(path, "", f"it is larger than {_LARGEST:,} bytes")
            text = csv_rows.decode(path.read_bytes())
            table.extend([field.strip() for field in fields] for _, fields in csv_rows.parse_rows(text))
        except OSError as error:
            raise from_os_error(error) from None
        except UnicodeDecodeError as error:
            raise malformed(path, "", f"byte {error.start:,} is not UTF-8") from None
        except csv_rows.NotCsv as error:
            raise malformed(path, f"row {error.row}", str(error)) from None
        while table and csv_rows.is_blank(table[-1]):
            table.pop()
        if not table or table[0][:1] not in [[name] for name in FIRST_COLUMNS]:
            raise malformed(path, "row 1", "the first column must be called file")
        header, *rows = table
        for number, row in enumerate(rows, 2):
            if len(row) != len(header):
                raise malformed(path, f"row {number}", f"it has {len(row)} fields where the header has {len(header)}")
        for number, row in enumerate(table, 1):
            for title, field in zip(header, row, strict=True):
                if "\0" in field:
                    raise malformed(path, f"column {title.partition(':')[0]}, row {number}", "it holds a NUL character")
        return cls(path, header, rows)

    def find_item_column(self) -> int | None:
        """The place of the column for the item; None without one. Raises `Misuse` where it is of another kind."""
        titles = [parse_title(title) for title in self.header]
        place = next((place for place, (name, _) in enumerate(titles) if place and name == ITEM), None)
        if place is not None and titles[place][1] not in (None, "choice"):
            raise malformed(self.path, f"column {ITEM}, row 1", "an item is a choice")
        return place

    def find_photographs(self, data: DataSet) -> list[Key]:
        """The photograph that each row names; raises `Misuse` for a row that names none, or one named before."""
        known: dict[str, Key] = {
            name: (domain, file) for domain in data.domains for name, file in name_forms(data, domain).items()
        }
        first: dict[Key, int] = {}
        for number, (file, *_) in enumerate(self.rows, 2):
            where = f"column {self.header[0]}, row {number}"
            key = known.get(file)
            if key is None:
                raise malformed(self.path, where, f"the data set has no photograph {file!r}")
            if key in first:
                raise malformed(self.path, where, f"{file!r} was named in row {first[key]} already")
            first[key] = number
        return list(first)


def states_items(path: Path) -> bool:
    """Whether the header of a data set's file has a column for the item."""
    return any(parse_title(title)[0] == ITEM for title in read_header(path)[1:])


def read_header(path: Path) -> list[str]:
    """The fields of a data set's file's first row, whatever they are; the rest of the file is not looked at."""
    with path.open("rb") as stream:
        begin = csv_rows.decode(stream.read(_LONGEST_HEADER), errors="replace")
    try:
        _, header = next(csv_rows.parse_rows(begin), (1, []))
    except csv_rows.NotCsv:
        return []
    return [field.strip() for field in header]


def is_there(path: Path) -> bool:
    """Whether a data set's file of labels is there; raises `Misuse` where something else has its name."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise malformed(path, "", "it is no regular file")
    return path.exists()


def parse_title(title: str) -> tuple[str, str | None]:
    """A column's name and, where declared after a colon, its kind."""
    name, colon, kind = (part.strip() for part in title.partition(":"))
    return name, kind if colon else None


def malformed(path: Path, where: str, why: str) -> Misuse:
    """The error of a file that is not as it should be."""
    what = f"{path}: {where}" if where else str(path)
    return Misuse(printable(what), printable(why), "mend the file: office31 guide several-outputs says what it holds")
