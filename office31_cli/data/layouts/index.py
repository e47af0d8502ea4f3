"""A table of photographs, a row or a line each: an index.csv or index.jsonl with path, item, domain and split.

    path,item,domain,split
    shots/0001.jpg,mug,webcam,train
    shots/0002.jpg,,webcam,

Only `path` is needed; what is empty or absent is not known. Paths start at the index's folder and stay below it.
"""

import csv
import io
import posixpath
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from office31_cli.data.layouts.base import Layout as Base
from office31_cli.data.layouts.base import Reading, Source, misplaced
from office31_cli.data.layouts.level import Row, build_listing, describe_parts, join
from office31_cli.data.parts import PARTS
from office31_cli.data.walk import Tree
from office31_cli.errors import Failed, Misuse, from_os_error
from office31_cli.registry import strict_json
from office31_cli.text import did_you_mean, pluralize, printable

SUFFIXES = (".csv", ".jsonl")
FILES = tuple(f"index{suffix}" for suffix in SUFFIXES)
COLUMNS = ("path", "item", "domain", "split")

_LARGEST = 1 << 28
"""Bytes of the largest index that is read: some millions of rows."""

Fields = dict[str, str]
"""What a row says, by column; what it does not say is left out."""


class Layout(Base):
    """An index beside the photographs, or anywhere above them."""

    shape = "index.csv or index.jsonl: path,item,domain,split"
    precedence = 3

    def recognises(self, source: Source) -> bool:
        """Where the user gave the index, or the folder holds one under its usual name."""
        return bool(_find_indexes(source))

    def read(self, source: Source) -> Reading:
        """The photographs that the index lists; others are left out, and counted in what is said."""
        indexes = _find_indexes(source)
        if len(indexes) > 1:
            raise misplaced(source, f"it holds two indexes, {' and '.join(indexes)}", "keep one")
        (name,) = indexes
        if source.nested:
            raise Misuse("--nested", f"{printable(name)} says what each photograph shows", "leave it out")
        path = source.tree.root / name
        if source.index is None and path.is_symlink():
            source.tree.links.check(str(path))
        rows = _place_rows(path, source, _read_fields(path))
        listings = {
            domain: replace(build_listing(source.tree.root, "", rows[domain]), by_file=True) for domain in sorted(rows)
        }
        unlisted = _count_unlisted(source.tree, rows)
        left_out = f", which leaves out {pluralize(unlisted, 'picture')} beside those that it lists" if unlisted else ""
        return Reading(listings, f"{describe_parts(listings)}, by {name}{left_out}")


def _find_indexes(source: Source) -> tuple[str, ...]:
    if source.index is not None:
        return (source.index,)
    return tuple(name for name in FILES if (source.tree.root / name).is_file())


def _read_fields(path: Path) -> Iterator[tuple[int, Fields]]:
    """Each row's line and what it says; raises `Failed` naming the line where the file is malformed."""
    try:
        if path.stat().st_size > _LARGEST:
            raise _malformed(path, 0, f"it is larger than {_LARGEST:,} bytes")
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise from_os_error(error) from None
    rows = _read_json_lines(path, content) if path.suffix.lower() == ".jsonl" else _read_csv(path, content)
    for line, fields in rows:
        for column, text in fields.items():
            if "\0" in text or not _is_encodable(text):
                raise _malformed(path, line, f"its {column} holds a character that no name can hold")
        if not fields.get("path"):
            raise _malformed(path, line, "it names no path")
        yield line, fields


def _read_csv(path: Path, content: bytes) -> Iterator[tuple[int, Fields]]:
    reader = csv.reader(io.StringIO(content.decode("utf-8", "surrogateescape"), newline=""), strict=True)
    header: list[str] = []
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if not any(fields):
                continue
            if not header:
                header = [field.lower() for field in fields]
                _check_header(path, reader.line_num, header)
                continue
            if len(fields) != len(header):
                why = f"it has {pluralize(len(fields), 'field')} where the header has {len(header)}"
                raise _malformed(path, reader.line_num, why)
            yield reader.line_num, {name: text for name, text in zip(header, fields, strict=True) if name in COLUMNS}
    except csv.Error as error:
        raise _malformed(path, reader.line_num, f"it is no CSV ({error})") from None


def _check_header(path: Path, line: int, header: list[str]) -> None:
    if "path" not in header:
        raise _malformed(path, line, f"a header is needed, with a column path and any of {', '.join(COLUMNS[1:])}")
    if twice := [name for name in COLUMNS if header.count(name) > 1]:
        raise _malformed(path, line, f"it has two columns {twice[0]}")


def _read_json_lines(path: Path, content: bytes) -> Iterator[tuple[int, Fields]]:
    for line, raw in enumerate(content.split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            said = strict_json.parse(raw, _LARGEST)
        except UnicodeDecodeError:
            raise _malformed(path, line, "it is not UTF-8") from None
        except ValueError as error:
            raise _malformed(path, line, f"it {error}") from None
        fields = {name: said[name] for name in COLUMNS if said.get(name) is not None}
        if others := [name for name, value in fields.items() if not isinstance(value, str)]:
            raise _malformed(path, line, f"its {others[0]} is no text")
        yield line, fields


def _place_rows(path: Path, source: Source, rows: Iterator[tuple[int, Fields]]) -> dict[str, list[Row]]:
    """By domain what is listed; raises `Failed` naming the line where a row does not fit the photographs or others."""
    placed: dict[str, list[Row]] = defaultdict(list)
    lines: dict[str, int] = {}
    pictures = _Pictures(source.tree)
    first_domain: tuple[int, bool] | None = None
    for line, fields in rows:
        text, domain, split = fields["path"], fields.get("domain", ""), fields.get("split", "")
        file = posixpath.normpath(text)
        if file.startswith(("/", "../")) or file == "..":
            raise _malformed(path, line, f"{text} leads out of the index's folder")
        if not pictures.hold(file):
            raise _malformed(path, line, f"there is no picture {text} (hidden files and other kinds do not count)")
        if file in lines:
            raise _malformed(path, line, f"{text} was listed in line {lines[file]} already")
        lines[file] = line
        first_domain = first_domain or (line, bool(domain))
        if bool(domain) != first_domain[1]:
            raise _malformed(path, line, f"it names {'a' if domain else 'no'} domain, unlike line {first_domain[0]}")
        if split and split.lower() not in PARTS:
            raise _malformed(path, line, f"there is no part {split!r} ({did_you_mean(split, PARTS)})")
        part = PARTS[split.lower()] if split else None
        placed[domain or source.name].append(Row(file, fields.get("item") or None, part))
    if not placed:
        raise _malformed(path, 0, "it lists no photograph")
    return placed


class _Pictures:
    """The pictures in a tree, of whose folders only those are looked into that something is asked about."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._names: dict[str, frozenset[str]] = {}

    def hold(self, file: str) -> bool:
        """Whether the tree has this picture."""
        folder, _, name = file.rpartition("/")
        if folder not in self._names:
            there = self._has_folder(folder)
            self._names[folder] = frozenset(self._tree.list(folder).pictures) if there else frozenset()
        return name in self._names[folder]

    def _has_folder(self, path: str) -> bool:
        above = ""
        for name in path.split("/") if path else ():
            if name not in self._tree.list(above).folders:
                return False
            above = join(above, name)
        return True


def _count_unlisted(tree: Tree, rows: dict[str, list[Row]]) -> int:
    """How many pictures lie beside those that are listed, in the same folders."""
    files = [row.file for each in rows.values() for row in each]
    folders = {file.rpartition("/")[0] for file in files}
    return sum(len(tree.list(folder).pictures) for folder in folders) - len(files)


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _malformed(path: Path, line: int, why: str) -> Failed:
    what = f"{path}, line {line}" if line else str(path)
    return Failed(printable(what), printable(why), "mend the index: office31 guide your-photographs says what it holds")
