"""Whatever a folder holds: it is read with every picture in exactly one domain, or refused in one line."""

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from office31_cli.data.catalogue import open_data
from office31_cli.data.data_set import DataSet
from office31_cli.data.walk import is_hidden, is_picture
from office31_cli.errors import Failed, Misuse
from office31_cli.text import printable

ANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS = ["cup", "pen", "cam", "web", "images", "train", "test", "val", "Valid"]
HIDDEN = ["__MACOSX", ".git", "@eaDir", "lost+found"]
FILES = ["y.PNG", "z.heic", "w.avif", "._x.jpg", ".hidden.png", "Thumbs.db", "notes.txt", "jpg", "a.jpg.txt", ".jpg"]
TARGETS = [".", "..", "../..", "cup", "x.jpg", "nowhere", "self", "/", "web/cup"]


def _is_name(name: str) -> bool:
    try:
        return 0 < len(os.fsencode(name)) < 200 and not set(name) & {"/", "\0"} and name not in (".", "..")
    except UnicodeEncodeError:
        return False


odd_names = (st.text(min_size=1, max_size=12) | st.binary(min_size=1, max_size=12).map(os.fsdecode)).filter(_is_name)
folder_names = st.sampled_from([*WORDS, *WORDS, *HIDDEN]) | odd_names
file_names = st.sampled_from(FILES) | odd_names.map(lambda name: f"{name}.jpg")
files = st.dictionaries(file_names, st.none(), max_size=2)
pictures = st.sampled_from([{"x.jpg": None}] * 7 + [{}])
"""A folder at the bottom seldom holds none: an item without pictures is refused."""


def trees(*, with_links: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Folders by name as dictionaries, files as None, links as their targets."""
    targets = st.sampled_from(TARGETS)
    links = st.dictionaries(folder_names | file_names, targets, min_size=1, max_size=1) if with_links else st.just({})
    loose = st.sampled_from([0] * 5 + [1]).flatmap(lambda some: files if some else st.just({}))
    linked = st.sampled_from([0] * 5 + [1]).flatmap(lambda some: links if some else st.just({}))
    bottom = st.builds(lambda *parts: {**parts[0], **parts[1], **parts[2]}, files, pictures, linked)

    def deeper(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        folders = st.dictionaries(folder_names, below, min_size=1, max_size=3)
        return st.builds(lambda *parts: {**parts[0], **parts[1], **parts[2]}, loose, folders, linked)

    one = deeper(bottom)
    two = deeper(bottom | one)
    return deeper(one) | one | deeper(bottom | one | two) | bottom


def build(root: Path, tree: dict[str, Any]) -> None:
    root.mkdir()
    for name, what in tree.items():
        if isinstance(what, dict):
            build(root / name, what)
        elif what is None:
            (root / name).touch()
        else:
            (root / name).symlink_to(what)


def list_pictures(root: str, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """All that an independent walk finds, links followed as long as they lead to nothing above them."""
    real = os.path.realpath(root)
    if real in seen:
        return
    for path in Path(root).iterdir():
        if is_hidden(path.name):
            continue
        if path.is_dir():
            yield from list_pictures(str(path), (*seen, real))
        elif path.is_file() and is_picture(path.name):
            yield str(path)


def list_read(data: DataSet) -> list[str]:
    return [str(each.root / file) for each in data.listings.values() for file in each.files]


def open_or_refuse(place: Path, **options: Any) -> DataSet | None:
    """The data set, or None where it is refused: in one line, and for nothing that is not documented."""
    try:
        data = open_data(place, **options)
    except (Failed, Misuse) as error:
        assert printable(str(error)) == str(error)
        event("refused")
        return None
    event(f"read: {'as usual' if not data.layout else 'another layout'}, {len(data.domains)} domains")
    assert data.items
    assert all(each.files for each in data.listings.values())
    for each in data.listings.values():
        assert list(each.files) == sorted(each.files, key=lambda file: file.split("/"))
        assert len(each.files) == len(each.labels)
        assert len(each.parts) in (0, len(each.files))
    return data


@ANY
@given(tree=trees(with_links=False), nested=st.booleans())
def test_any_tree_is_read_whole_or_refused(tree: dict[str, Any], nested: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "set"
        build(root, tree)
        data = open_or_refuse(root, nested=nested)
        if data is not None:
            assert sorted(list_read(data)) == sorted(list_pictures(str(root)))
            for each in data.listings.values():
                for file, label in zip(each.files, each.labels, strict=True):
                    assert label is None or label in file.split("/")[:-1]
            assert open_data(root, nested=nested) == data


@ANY
@given(tree=trees(with_links=True), below=st.sampled_from(["set", "set/cup", "."]))
def test_any_tree_with_links_is_read_whole_or_refused(tree: dict[str, Any], below: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "set"
        build(root, tree)
        followed = Path(folder) / below
        data = open_or_refuse(root, follow_links=followed if followed.is_dir() else root)
        if data is not None:
            assert sorted(list_read(data)) == sorted(list_pictures(str(root)))
            for path in list_read(data):
                assert os.path.realpath(path).startswith(os.path.realpath(folder))
        if open_or_refuse(root) is not None:
            assert not [name for name in root.rglob("*") if name.is_symlink() and not is_hidden_below(root, name)]


def is_hidden_below(root: Path, path: Path) -> bool:
    return any(is_hidden(part) for part in path.relative_to(root).parts)


PICTURES = ["a/1.jpg", "a/2.jpg", "b/c/3.jpg", "4.jpg"]
COLUMNS = ["path", "item", "domain", "split"]
usual_rows = st.permutations(PICTURES).flatmap(
    lambda each: st.lists(
        st.tuples(st.sampled_from(["cup", "pen", ""]), st.just("web"), st.sampled_from(["", "train", "test"])),
        min_size=1,
        max_size=4,
    ).map(lambda rest: [(path, *fields) for path, fields in zip(each, rest, strict=False)])
)
odd_fields = st.sampled_from(["", "cup", "dev", "\n", '"', "=1+1", "\ud800", "\0"]) | st.text(max_size=5)
odd_paths = st.sampled_from([*PICTURES, "./a/1.jpg", "../x.jpg", "/x.jpg", "a", "", "a/9.jpg"]) | st.text(max_size=8)
odd_rows = st.lists(st.tuples(odd_paths, odd_fields, odd_fields, odd_fields), max_size=1)


def write(rows: list[tuple[str, ...]], kind: str, columns: list[str]) -> bytes:
    said = [{name: row[COLUMNS.index(name)] for name in columns} for row in rows]
    if kind == "jsonl":
        return "\n".join(map(json.dumps, said)).encode()
    text = io.StringIO()
    csv.writer(text).writerows([columns, *(row.values() for row in said)])
    return text.getvalue().encode("utf-8", "surrogatepass")


@ANY
@given(
    usual=usual_rows,
    odd=odd_rows,
    kind=st.sampled_from(["csv", "jsonl"]),
    columns=st.permutations(COLUMNS) | st.just(COLUMNS[:2]),
    cut=st.sampled_from([0] * 5 + [1, 2, 9]),
    given_file=st.booleans(),
)
def test_any_index_is_read_or_refused(
    usual: list[tuple[str, ...]],
    odd: list[tuple[str, ...]],
    kind: str,
    columns: list[str],
    cut: int,
    given_file: bool,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "set"
        for picture in PICTURES:
            (root / picture).parent.mkdir(parents=True, exist_ok=True)
            (root / picture).touch()
        content = write([*usual, *odd], kind, columns)
        index = root / f"index.{kind}"
        index.write_bytes(content[: max(0, len(content) - cut)])
        data = open_or_refuse(index if given_file else root)
        if data is not None:
            read = [os.path.relpath(path, root) for path in list_read(data)]
            assert len(read) == len(set(read))
            assert set(read) <= set(PICTURES)
            assert len(read) >= len(usual) or cut
            assert f"by index.{kind}" in data.layout


@ANY
@given(content=st.binary(max_size=200) | st.text(alphabet='path,item\n"{}:[]\\u0', max_size=60).map(str.encode))
def test_any_bytes_as_an_index_are_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("index.csv", "other.jsonl"):
            (Path(folder) / name).write_bytes(content)
            open_or_refuse(Path(folder) / name)
