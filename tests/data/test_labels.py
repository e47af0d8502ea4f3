"""Files of labels: what they may look like, and that anything else is refused in one line."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from office31_cli.data import lists
from office31_cli.data.data_set import DataSet
from office31_cli.data.folder import open_folder
from office31_cli.data.labels import LabelFile, read_label_file
from office31_cli.errors import Failed, Misuse
from office31_cli.text import find_typing_errors
from tests.helpers.small_data import draw, lay_out

NAMES = tuple(f"frame_{number}.png" for number in range(4))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """`shop` is labelled by its folders, `heap` holds four loose pictures; both have names that no list expects."""
    root = lay_out(tmp_path_factory.mktemp("data") / "things", "shop/mug", "shop/pen")
    lay_out(root, "heap", pictures=4)
    draw(root / "heap" / "a,b.png")
    draw(root / "heap" / 'say "hi", twice.png')
    return open_folder(root)


@pytest.fixture
def read(data: DataSet, tmp_path: Path) -> Callable[[str | bytes], LabelFile]:
    """Reads a file with this content for `heap`."""

    def read(content: str | bytes) -> LabelFile:
        path = tmp_path / "labels"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_label_file(path, data, "heap")

    return read


def stated(file: LabelFile) -> dict[str, str]:
    return dict(file.items or {})


FORMS = {
    "no header": "frame_0.png,mug\nframe_1.png,pen\n",
    "a header": "path,item\nframe_0.png,mug\nframe_1.png,pen\n",
    "another header": "File,Item\nframe_0.png,mug\nframe_1.png,pen\n",
    "columns the other way, and further ones": "item,note,path\nmug,,frame_0.png\npen,late,frame_1.png\n",
    "line ends of Windows": "path,item\r\nframe_0.png,mug\r\nframe_1.png,pen\r\n",
    "line ends of old": "frame_0.png,mug\rframe_1.png,pen\r",
    "a byte order mark": "\ufeffpath,item\nframe_0.png,mug\nframe_1.png,pen",
    "a mark without a header": "\ufeffframe_0.png,mug\nframe_1.png,pen",
    "quotes": '"path","item"\n"frame_0.png","mug"\n"frame_1.png","pen"\n',
    "spaces": "path, item\nframe_0.png , mug\nframe_1.png, pen \n",
    "blank lines": "\npath,item\n\nframe_0.png,mug\n \nframe_1.png,pen\n\n",
    "relative to the data set": "heap/frame_0.png,mug\nheap/frame_1.png,pen\n",
    "a way round": "../heap/frame_0.png,mug\n./frame_1.png,pen\n",
    "an images level": "images/frame_0.png,mug\nheap/images/frame_1.png,pen\n",
    "the same twice": "frame_0.png,mug\nframe_1.png,pen\nheap/frame_0.png,mug\n",
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_a_file_may_be_written_in_many_ways(read: Callable[[str], LabelFile], content: str) -> None:
    assert stated(read(content)) == {"frame_0.png": "mug", "frame_1.png": "pen"}


def test_paths_may_be_whole(read: Callable[[str], LabelFile], data: DataSet) -> None:
    assert stated(read(f"{data.root}/heap/frame_2.png,mug\n")) == {"frame_2.png": "mug"}


def test_paths_alone_may_hold_commas_and_quotes(read: Callable[[str], LabelFile]) -> None:
    for names in (["a,b.png"], ['say "hi", twice.png', "a,b.png"], ["frame_0.png", "a,b.png"]):
        file = read("\n".join(names))
        assert (file.files, file.items) == (tuple(sorted(names)), None)
    assert stated(read('"a,b.png",mug\n')) == {"a,b.png": "mug"}


def test_what_names_photographs_more_often_is_what_a_file_holds(tmp_path: Path) -> None:
    """`frame_0.png` is a photograph, and so is `frame_0.png,mug.png`: the former is labelled `mug.png` then."""
    root = lay_out(tmp_path / "things", "heap", "shop/mug", pictures=3)
    draw(root / "heap" / "frame_0.png,mug.png")
    data, path = open_folder(root), tmp_path / "labels"
    path.write_text("frame_0.png,mug.png\nframe_1.png,pen\nframe_2.png,pen\n")
    assert stated(read_label_file(path, data, "heap"))["frame_0.png"] == "mug.png"
    path.write_text("frame_0.png,mug.png\n")
    assert read_label_file(path, data, "heap").items is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("frame_0.png,mug\nframe_0.png,pen\n", "line 2: frame_0.png is pen here and mug in line 1"),
        ("frame_0.png,mug\nframe_1.png,\n", "line 2: it states no item"),
        ("frame_0.png,mug\nframe_1.png,pen,red\n", "line 2: it has 3 fields instead of 2"),
        ("path,item\nframe_9.png,mug\n", "line 2: frame_9.png is no photograph of heap; did you mean frame_"),
        ("path,item\nattic/frame_3.png,mug\n", "is no photograph of heap; did you mean frame_3.png?"),
        ("path,item\nshop/mug/frame_0.png,mug\n", "line 2: shop/mug/frame_0.png is no photograph of heap"),
        ("path,item\n../../x.png,mug\n", "line 2: ../../x.png leads out of"),
        ("path,item\n/x.png,mug\n", "line 2: /x.png leads out of"),
        ('path,item\nframe_0.png,"mug"s\n', "line 2: it is not CSV"),
        ('path,item\nframe_0.png,"mug\nframe_1.png,pen\n', "line 2: it is not CSV"),
        ('path,item\nframe_0.png,"a\nb"\nframe_1.png,\n', "line 4: it states no item"),
        (b"path,item\nframe_0.png,m\xe9g\n", "line 2: its item is no text in UTF-8"),
        ("path,item\nframe_0.png,mug\0\n", "line 2: it holds a zero byte"),
        ("path,item\n", "it names no photograph"),
        ("", "it names no photograph"),
        ("path;item\nframe_0.png;mug\n", "line 1: path;item is no photograph of heap"),
        ("frame_0.png,mug\n".encode("utf-16"), "zero byte"),
    ],
)
def test_what_is_malformed_is_one_line_that_names_its_line(
    read: Callable[[str | bytes], LabelFile], content: str | bytes, why: str
) -> None:
    with pytest.raises(Misuse) as caught:
        read(content)
    assert why in str(caught.value)
    assert str(caught.value).startswith("--labels-from ")
    assert str(caught.value).isprintable()


def test_a_file_that_is_too_large_is_refused(read: Callable[[str], LabelFile], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "LARGEST", 15)
    assert stated(read("frame_0.png,mug")) == {"frame_0.png": "mug"}
    with pytest.raises(Misuse, match="it is larger than 15 bytes"):
        read("frame_0.png,mugs")


labels = st.text(st.characters(exclude_categories=("Cs", "Cc"))).map(str.strip).filter(bool)


@given(
    items=st.lists(labels, min_size=1, max_size=4),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.booleans(),
    header=st.sampled_from([None, ("path", "item"), ("file", "item")]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_writer_writes_comes_back(
    read: Callable[[str], LabelFile],
    items: list[str],
    quoting: int,
    end: str,
    mark: bool,  # drawn by hypothesis
    header: tuple[str, str] | None,
) -> None:
    rows = list(zip(NAMES, items, strict=False))
    buffer = io.StringIO()
    csv.writer(buffer, quoting=quoting, lineterminator=end).writerows([*([header] if header else []), *rows])  # type: ignore[arg-type]
    assert stated(read("\ufeff" * mark + buffer.getvalue())) == dict(rows)


PIECES = ("frame_0.png", "a,b.png", ",", '"', "\n", "\r", "mug", "path,item\n", "\0", "../")


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.sampled_from(PIECES)).map(lambda parts: "".join(parts).encode())
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused_in_one_line(read: Callable[[bytes], LabelFile], content: bytes) -> None:
    try:
        file = read(content)
    except Misuse as error:
        assert error.exit_code == 2
        assert len(str(error).splitlines()) == 1
    else:
        assert set(file.files) <= {*NAMES, "a,b.png", 'say "hi", twice.png'}
        assert file.items is None or set(file.items) == set(file.files)


# ---- in a data set


def lay_out_heap(root: Path) -> Path:
    """`shop` with folders and `heap` without."""
    return lay_out(lay_out(root, "shop/mug", "shop/pen"), "heap", pictures=3)


def test_a_domains_file_labels_it(tmp_path: Path) -> None:
    root = lay_out_heap(tmp_path / "things")
    (root / "heap" / "labels.csv").write_text("frame_0.png,trolley\nframe_2.png,mug\n")
    data = open_folder(root)
    assert data.items == ("mug", "pen", "trolley")
    assert data.listings["heap"].labels == ("trolley", None, "mug")
    assert data.labelled_domains == ("heap", "shop")
    assert data.photographs("heap").items.tolist() == [2, -1, 0]


def test_a_data_set_may_be_labelled_by_its_files_alone(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "things", "heap/images")
    with pytest.raises(Failed, match="pictures but no item folders"):
        open_folder(root)
    (root / "heap" / "labels.csv").write_text("frame_0.png,mug\n")
    assert open_folder(root).listings["heap"].labels == ("mug", None)


def test_what_a_file_states_comes_before_the_folder_and_files_keep_their_order(tmp_path: Path) -> None:
    root = lay_out_heap(tmp_path / "things")
    before = open_folder(root)
    (root / "labels.csv").write_text("path,colour,item\nshop/mug/frame_0.png,red,cup\nheap/frame_1.png,blue,\n")
    data = open_folder(root)
    assert data.listings["shop"].labels == ("cup", *before.listings["shop"].labels[1:])
    assert data.listings["heap"].labels == (None, None, None)
    assert {name: listing.files for name, listing in data.listings.items()} == {
        name: listing.files for name, listing in before.listings.items()
    }
    assert [listing.by_file for listing in data.listings.values()] == [False, True]


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("labels.csv", "file,item\nheap/frame_9.png,mug\n", "labels.csv: column file, row 2"),
        ("labels.csv", "file,item:number\nheap/frame_0.png,1\n", "labels.csv: column item, row 1: an item is a choice"),
        ("labels.csv", "heap/frame_0.png,mug\n", "labels.csv: row 1: the first column must be called file"),
        ("heap/labels.csv", "frame_9.png,mug\n", "heap/labels.csv, line 1: frame_9.png is no photograph of heap"),
        ("heap/labels.csv", "frame_0.png,mug\nframe_0.png,pen\n", "line 2: frame_0.png is pen here and mug in line 1"),
        ("heap/labels.csv", "../shop/mug/frame_0.png,mug\n", "is no photograph of heap"),
        ("heap/labels.csv", "frame_0.png\n", "line 1: it has 1 field instead of 2"),
    ],
)
def test_a_malformed_file_in_a_data_set_is_refused(tmp_path: Path, file: str, content: str, why: str) -> None:
    root = lay_out_heap(tmp_path / "things")
    (root / file).write_text(content)
    with pytest.raises(Misuse) as caught:
        open_folder(root)
    assert why in str(caught.value)


def test_files_that_agree_are_read_and_others_refused(tmp_path: Path) -> None:
    root = lay_out_heap(tmp_path / "things")
    (root / "labels.csv").write_text("file,item\nheap/frame_0.png,mug\n")
    (root / "heap" / "labels.csv").write_text("frame_0.png,mug\nframe_1.png,pen\n")
    assert open_folder(root).listings["heap"].labels == ("mug", "pen", None)
    (root / "heap" / "labels.csv").write_text("frame_0.png,pen\n")
    with pytest.raises(Misuse, match=r"heap/labels\.csv: it says that frame_0\.png shows pen, and labels\.csv beside"):
        open_folder(root)


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_only_a_regular_file_in_a_domain_is_read(tmp_path: Path, kind: str) -> None:
    root = lay_out_heap(tmp_path / "things")
    path = root / "heap" / "labels.csv"
    path.mkdir() if kind == "folder" else path.symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises((Misuse, Failed)):
        open_folder(root)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("mgu", ["mug"]),
        ("Mug", ["mug"]),
        ("back pack", ["back_pack"]),
        ("desktop_compter", ["desktop_computer"]),
        ("trolley", []),
        ("bottle", []),
        ("pens", ["pen"]),
        ("", []),
    ],
)
def test_typing_errors_are_near_and_other_words_are_not(word: str, meant: list[str]) -> None:
    assert find_typing_errors(word, ["mug", "pen", "back_pack", "desktop_computer", "tape_dispenser"]) == meant
