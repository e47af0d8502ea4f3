"""Labels by file: the photographs that a file names, and the item that it says each of them shows.

A file that a user gives holds CSV, `path,item` with a header or without, or paths alone, a path a line. In a data set
`DOMAIN/labels.csv` holds the former, with paths below the domain, and `labels.csv` beside the domains may have a column
`item`: see `labels_table`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from office31_cli.data import csv_rows, labels_table
from office31_cli.data.data_set import DataSet
from office31_cli.data.lists import read_content, split_lines
from office31_cli.data.named_files import FileFinder, name_forms
from office31_cli.errors import Misuse
from office31_cli.text import find_typing_errors, pluralize, printable

_SAMPLE = 50
"""Lines by which paths alone are told from CSV."""

_FIX = "give lines of path,item"

Labels = dict[str, dict[str, str]]
"""By domain the item of each file that has one."""


@dataclass(frozen=True)
class LabelFile:
    """What a file says of the photographs of one domain."""

    what: str
    """The option and the file, as errors name them."""
    files: tuple[str, ...]
    """The photographs that it names, as the domain's listing has them, in alphabetical order."""
    items: Mapping[str, str] | None
    """The item of each file; None where the file names photographs alone."""
    lines: Mapping[str, int]
    """The line of each file that names it first."""

    def list_items(self) -> tuple[str, ...] | None:
        """The item of each of `files`; None where the file names photographs alone."""
        return None if self.items is None else tuple(self.items[file] for file in self.files)

    def check_items(self, known: Collection[str]) -> None:
        """Raise `Misuse` where an item that is not known looks like one that is, and so like a typing error."""
        checked = set(known)
        for file in sorted(self.items or {}, key=self.lines.__getitem__):
            item = (self.items or {})[file]
            if item not in checked and (meant := find_typing_errors(item, known)):
                raise Misuse(
                    f"{self.what}, line {self.lines[file]}",
                    f"there is no item {printable(item)} so far",
                    f"did you mean {' or '.join(map(printable, meant))}? Where it is a new item, add --new-items",
                )
            checked.add(item)


def read_label_file(path: Path, data: DataSet, domain: str) -> LabelFile:
    """The photographs of the domain that the file of `--labels-from` names, and their items where it states them.

    Raises `Misuse` in one line that names the line of the file: see `_parse_csv`.
    """
    what, finder = f"--labels-from {printable(str(path))}", FileFinder(data, domain)
    content = read_content(path, what, "give a file with a path, or path,item, a line")
    named = _parse_csv(content, finder, what, _FIX) if _is_csv(content, finder) else _parse_paths(content, finder, what)
    if not named:
        raise Misuse(what, "it names no photograph", "give a path, or path,item, a line")
    items = {file: item for file, (_, item) in named.items() if item is not None}
    return LabelFile(what, tuple(sorted(named)), items or None, {file: line for file, (line, _) in named.items()})


def apply_stated_labels(data: DataSet) -> DataSet:
    """The data set with the labels that its own files state, which come before what the folders say.

    Raises `Misuse` where one of them is malformed, or two contradict each other.
    """
    beside, within = _read_beside_domains(data), dict(_read_within_domains(data))
    for domain, items in within.items():
        for file, item in items.items():
            if (other := beside.get(domain, {}).get(file, item)) != item:
                where = printable(f"{domain}/{labels_table.FILE}")
                raise Misuse(
                    where,
                    f"it says that {printable(file)} shows {printable(item)}, and {labels_table.FILE} beside the "
                    f"domains that it shows {printable(other)}",
                    "mend one of them",
                )
    if not beside and not within:
        return data
    listings = {
        domain: listing.relabel(beside.get(domain, {}) | within.get(domain, {}))
        for domain, listing in data.listings.items()
    }
    return DataSet.of(data.name, data.root, listings)


def _read_beside_domains(data: DataSet) -> Labels:
    """What the column `item` of `labels.csv` beside the domains states; an empty field states nothing."""
    path = data.root / labels_table.FILE
    if not path.is_file() or path.is_symlink():
        return {}  # whatever is wrong with the file matters where its columns are asked for
    if not labels_table.states_items(path) and not _is_row(labels_table.read_header(path), data):
        return {}
    table = labels_table.LabelsTable.read(path)
    place = table.find_item_column()
    assert place is not None
    stated: Labels = {}
    for (domain, file), row in zip(table.find_photographs(data), table.rows, strict=True):
        if row[place]:
            stated.setdefault(domain, {})[file] = row[place]
    return stated


def _is_row(header: list[str], data: DataSet) -> bool:
    """Whether the first row of `labels.csv` beside the domains labels a photograph, instead of naming columns."""
    return len(header) > 1 and any(header[0] in name_forms(data, domain) for domain in data.domains)


def _read_within_domains(data: DataSet) -> Iterator[tuple[str, dict[str, str]]]:
    """What `labels.csv` in each domain's folder states."""
    for domain, listing in data.listings.items():
        if listing.root == data.root:
            continue
        folder = listing.root.parent if listing.root.name == "images" else listing.root
        path = folder / labels_table.FILE
        if not labels_table.is_there(path):
            continue
        what, fix = printable(str(path)), "office31 guide your-photographs says what it holds"
        named = _parse_csv(read_content(path, what, fix), FileFinder(data, domain), what, fix)
        yield domain, {file: item for file, (_, item) in named.items()}


def _is_csv(content: bytes, finder: FileFinder) -> bool:
    """Whether a file holds CSV rather than paths alone, whose names may contain commas and quotes.

    A header says so. Else it is what more of the first lines name photographs as, and where none does, CSV if all of
    them have two fields.
    """
    rows: list[list[str]] = []
    try:
        every = csv_rows.parse_rows(csv_rows.decode(content, "surrogateescape"))
        rows.extend(islice((fields for _, fields in every if not csv_rows.is_blank(fields)), _SAMPLE))
    except csv_rows.NotCsv:
        pass
    if rows and _find_columns(rows[0]):
        return True
    begin = content.split(b"\n", _SAMPLE)[:_SAMPLE]
    lines = [line.removesuffix(b"\r").decode("utf-8", "surrogateescape").replace("\0", "") for line in begin]
    paths = sum(bool(line.strip()) and finder.find(line) is not None for line in lines)
    pairs = sum(len(row) == 2 and _find_file(row[0].replace("\0", ""), finder) is not None for row in rows)
    return pairs > paths if paths or pairs else bool(rows) and all(len(row) == 2 for row in rows)


def _parse_paths(content: bytes, finder: FileFinder, what: str) -> dict[str, tuple[int, str | None]]:
    """By file the line that names it; raises `Misuse` for one that names no photograph."""
    named: dict[str, tuple[int, str | None]] = {}
    for number, text in split_lines(content, what, "give a path a line", errors="surrogateescape"):
        if (file := finder.find(text)) is None:
            raise Misuse(f"{what}, line {number}", *finder.explain(text))
        named.setdefault(file, (number, None))
    return named


def _parse_csv(content: bytes, finder: FileFinder, what: str, fix: str) -> dict[str, tuple[int, str]]:
    """By file the line that names it first, and its item.

    Raises `Misuse` for what is not CSV, a row that is too long or short, a path that leads to no photograph or out of
    the data set, a photograph with two items, and an item that is empty or no text.
    """
    named: dict[str, tuple[int, str]] = {}
    columns: tuple[int, int, int] | None = None
    for line, fields in _iterate_rows(content, what, fix):
        where = f"{what}, line {line}"
        if columns is None:
            columns = _find_columns(fields)
            if columns:
                continue
            columns = (0, 1, 2)
        path, item, width = columns
        if len(fields) != width:
            raise Misuse(where, f"it has {pluralize(len(fields), 'field')} instead of {width}", fix)
        file = _find_file(fields[path], finder)
        if file is None:
            raise Misuse(where, *finder.explain(fields[path]))
        label = _check_item(fields[item].strip(), where, fix)
        earlier, stated = named.setdefault(file, (line, label))
        if stated != label:
            raise Misuse(
                where,
                f"{printable(fields[path])} is {printable(label)} here and {printable(stated)} in line {earlier}",
                "keep one of them",
            )
    return named


def _iterate_rows(content: bytes, what: str, fix: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with its line; raises `Misuse` for what is not CSV."""
    try:
        for line, fields in csv_rows.parse_rows(csv_rows.decode(content, "surrogateescape")):
            if any("\0" in field for field in fields):
                raise Misuse(f"{what}, line {line}", "it holds a zero byte", fix)
            if not csv_rows.is_blank(fields):
                yield line, fields
    except csv_rows.NotCsv as error:
        raise Misuse(f"{what}, line {error.line}", f"it is not CSV ({error})", fix) from None


def _find_columns(header: list[str]) -> tuple[int, int, int] | None:
    """Where path and item stand, and the number of columns; None where a row is no header."""
    names = [labels_table.parse_title(title)[0].lower() for title in header]
    path = next((name for name in labels_table.FIRST_COLUMNS if name in names), None)
    if path is None or labels_table.ITEM not in names:
        return None
    return names.index(path), names.index(labels_table.ITEM), len(names)


def _find_file(path: str, finder: FileFinder) -> str | None:
    """The file at a path, which may have spaces around it."""
    return finder.find(path) or finder.find(path.strip())


def _check_item(item: str, where: str, fix: str) -> str:
    if not item:
        raise Misuse(where, "it states no item", fix)
    try:
        item.encode()
    except UnicodeEncodeError:
        raise Misuse(where, "its item is no text in UTF-8", fix) from None
    return item
