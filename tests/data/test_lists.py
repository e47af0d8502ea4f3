import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.data import lists
from office31_cli.data.catalogue import open_data
from office31_cli.data.data_set import DataSet
from office31_cli.data.folder import open_folder
from office31_cli.data.labels import read_label_file
from office31_cli.data.lists import read_list
from office31_cli.errors import Misuse
from office31_cli.recipes.models import import_classifier
from tests.helpers.small_data import lay_out


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def things(folder: Path) -> DataSet:
    return open_data(str(lay_out(folder / "things", "shop/mug", "shop/pen")))


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"mug\npen", [(1, "mug"), (2, "pen")]),
        (b"\xef\xbb\xbfmug\r\npen\r\n", [(1, "mug"), (2, "pen")]),
        (b"\n \nmug\n\t\r\n\npen\n", [(3, "mug"), (6, "pen")]),
        (b" a b \n\rc\n", [(1, " a b "), (2, "\rc")]),
        ("vélo\n木".encode(), [(1, "vélo"), (2, "木")]),
        (b"a\xe2\x80\xa8b\n", [(1, "a\u2028b")]),
        (b"", []),
    ],
)
def test_lines_come_with_their_numbers_and_without_their_ends(
    content: bytes, lines: list[tuple[int, str]], tmp_path: Path
) -> None:
    assert read_list(write(tmp_path / "list", content), "--items", "name") == lines


def test_a_list_of_exactly_the_largest_size_is_read_and_a_longer_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LARGEST", 9)
    assert read_list(write(tmp_path / "list", b"mug\npen\na"), "--items", "name")[-1] == (3, "a")
    with pytest.raises(Misuse, match=r"^--items .*list: it is larger than 9 bytes; give a file with a name a line$"):
        read_list(write(tmp_path / "list", b"mug\npen\nab"), "--items", "name")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"mug\nr\xe9d\n", "line 2: it is no text in UTF-8"),
        ("mug\npen\n".encode("utf-16"), "line 1: it is no text in UTF-8"),
        (b"mug\npe\0n\n", "line 2: it holds a zero byte"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(content: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=why):
        read_list(write(tmp_path / "list", content), "--items", "name")


@pytest.mark.parametrize("there", ["nothing", "a folder"])
def test_what_cannot_be_read_is_wrong_usage(there: str, tmp_path: Path) -> None:
    path = tmp_path / "list\x1b"
    if there == "a folder":
        path.mkdir()
    with pytest.raises(Misuse, match=r"^--items .*list\\x1b: .*; give a file with a name a line$"):
        read_list(path, "--items", "name")


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"])).filter(str.strip)))
def test_what_is_written_a_line_each_is_read(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "list"
    for end in ("\n", "\r\n"):
        text = "".join(name + end for name in names)
        write(path, ("\ufeff" + text).encode())
        assert read_list(path, "--items", "name") == list(enumerate(names, 1))


def test_both_options_read_as_much_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them used to cut a long list off without a word."""
    data = things(tmp_path)
    short, long = b"mug/frame_0.png\r\n", b"mug/frame_0.png\nmug/frame_1.png\n"
    monkeypatch.setattr(lists, "LARGEST", len(short))
    assert read_label_file(write(tmp_path / "list", short), data, "shop").files == ("mug/frame_0.png",)
    assert import_classifier._read_names(tmp_path / "list") == ("mug/frame_0.png",)
    write(tmp_path / "list", long)
    with pytest.raises(Misuse, match=r"--labels-from .* larger than 17 bytes"):
        read_label_file(tmp_path / "list", data, "shop")
    with pytest.raises(Misuse, match=r"--items .* larger than 17 bytes"):
        import_classifier._read_names(tmp_path / "list")


def test_a_path_that_is_no_text_names_its_photograph(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    data = things(tmp_path)
    (data.root / "shop" / "mug" / "frame_0.png").rename(data.root / "shop" / "mug" / name)
    listed = write(tmp_path / "list", b"mug/caf\xe9.png\n")
    assert read_label_file(listed, open_folder(data.root), "shop").files == (f"mug/{name}",)
