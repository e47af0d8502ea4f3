"""How folders are laid out that are not plain DOMAIN/ITEM: each is read whole, or refused in one line."""

import importlib
from pathlib import Path

import pytest

from office31_cli.data import layouts
from office31_cli.data.catalogue import describe_source, location, open_data, reopen
from office31_cli.data.data_set import DataSet
from office31_cli.data.folder import open_folder
from office31_cli.data.layouts import index
from office31_cli.data.photographs import UNLABELLED
from office31_cli.errors import Failed, Misuse
from tests.helpers.small_data import draw, lay_out


def complaint(root: Path, **options: bool) -> str:
    """What is said of a layout that is refused, one line that names the folder."""
    with pytest.raises(Failed) as caught:
        open_folder(root, **options)  # type: ignore[arg-type]
    assert str(caught.value).isprintable()
    return str(caught.value)


def rows(data: DataSet) -> dict[str, list[tuple[str, str | None, str | None]]]:
    """By domain each file with its item and part."""
    return {
        domain: list(zip(each.files, each.labels, each.parts or (None,) * len(each.files), strict=True))
        for domain, each in data.listings.items()
    }


def test_every_layout_is_a_file_that_says_how_it_looks() -> None:
    assert layouts.FOLDER.names() == ("domains", "index", "items", "parts")
    shapes = {layouts.FOLDER.load(name).Layout.shape for name in layouts.FOLDER.names()}
    assert len(shapes) == 4


def test_of_the_usual_layout_nothing_is_said(tmp_path: Path) -> None:
    assert open_folder(lay_out(tmp_path, "cam/cup", "web/images/cup", "heap")).layout == ""


def test_folders_below_an_item_belong_to_it(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "lab", "cam/cup/left/near", "cam/cup/right", "cam/pen", "web/pen", pictures=1)
    data = open_folder(root)
    assert rows(data)["cam"] == [
        ("cup/left/near/frame_0.png", "cup", None),
        ("cup/right/frame_0.png", "cup", None),
        ("pen/frame_0.png", "pen", None),
    ]
    assert data.layout == "lab: taken for 2 domains (cam, web) of 2 items, with folders below the items"


def test_one_folder_of_items_is_a_domain_of_its_name(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "things", "cup", "pen", pictures=1)
    draw(root / "loose.png")
    data = open_folder(root)
    assert rows(data) == {
        "things": [("cup/frame_0.png", "cup", None), ("loose.png", None, None), ("pen/frame_0.png", "pen", None)]
    }
    assert data.photographs("things").root == root
    assert data.layout == "things: taken for one domain, things, of 2 items"


def test_nested_says_that_the_folders_are_items(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "things", "cup/left", "cup/right", "pen", pictures=1)
    assert open_folder(root).domains == ("cup", "pen")
    data = open_folder(root, nested=True)
    assert (data.domains, data.items) == (("things",), ("cup", "pen"))
    assert len(data.listings["things"].files) == 3
    assert data.layout == "things: taken for one domain, things, of 2 items, with folders below the items"
    assert location(data) == str(root)
    assert describe_source(data) == {"name": "things", "location": str(root), "nested": True}
    assert reopen(describe_source(data)) == data


@pytest.mark.parametrize(
    ("training", "validation", "test"), [("train", "val", "test"), ("Training", "VALID", "testing")]
)
def test_parts_of_one_domain_are_kept(tmp_path: Path, training: str, validation: str, test: str) -> None:
    folders = [f"{part}/{item}" for part in (training, validation, test) for item in ("cup", "pen")]
    data = open_folder(lay_out(tmp_path / "things", *folders, pictures=1))
    assert data.domains == ("things",)
    assert sorted(rows(data)["things"]) == sorted(
        (f"{folder}/{item}/frame_0.png", item, part)
        for folder, part in ((training, "train"), (validation, "val"), (test, "test"))
        for item in ("cup", "pen")
    )
    assert data.layout == "things: taken for one domain, things, of 2 items, in train, val and test"
    photographs = data.photographs("things")
    assert photographs.to_score is not None
    assert (photographs.to_score == photographs.in_part("test")).all()


def test_a_part_without_labels_is_not_scored(tmp_path: Path) -> None:
    photographs = open_folder(lay_out(tmp_path / "things", "train/cup", "valid/cup", "test")).photographs("things")
    assert photographs.items[photographs.in_part("test")].tolist() == [UNLABELLED, UNLABELLED]
    assert photographs.to_score is not None
    assert (photographs.to_score == photographs.in_part("val")).all()
    assert open_folder(lay_out(tmp_path / "more", "train/cup", "test")).photographs("more").to_score is None


def test_a_domain_may_come_in_parts_and_another_not(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path / "lab", "cam/train/cup", "cam/test/cup", "web/cup", "old/images/train/cup", "old/images/test/cup"
    )
    data = open_folder(root)
    assert data.layout == (
        "lab: taken for 3 domains (cam, old, web) of 1 item, cam in train and test, old in train and test"
    )
    assert data.photographs("web").parts == ()
    assert data.listings["old"].root == root / "old" / "images"
    assert data.listings["cam"].root == root / "cam"


def test_a_lone_folder_called_test_is_a_domain(tmp_path: Path) -> None:
    assert open_folder(lay_out(tmp_path, "test/cup", "cam/cup")).domains == ("cam", "test")


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["train/cup", "test/cup", "web/cup"], "it holds two layouts at once, the parts test, train and besides web"),
        (["train", "test", "cup"], "it holds two layouts at once, the parts test, train and besides cup"),
        (
            ["cam/train/cup", "cam/test/cup", "cam/pen"],
            "cam/ holds two layouts at once, the parts test, train and besides",
        ),
        (["val/cup", "valid/cup", "train/cup"], "it holds two folders for one part, val and valid"),
        (["train/cup", "test/cup", ""], "it holds pictures beside its parts"),
        (["cam/cup", "web/cup", ""], "it holds pictures, such as frame_0.png, beside the folders of its domains"),
        (["things/cam/cup", "things/web/cup"], "all lies in things/, whose folders hold folders alone"),
        (["train/cup", "test/empty/"], "test/empty holds no pictures"),
        (["cup", "empty/"], "empty holds no pictures"),
        (["train", "test"], "it holds pictures but no item folders"),
    ],
)
def test_what_is_ambiguous_or_mixed_is_refused(tmp_path: Path, folders: list[str], said: str) -> None:
    for folder in folders:
        (tmp_path / "set" / folder).mkdir(parents=True, exist_ok=True)
    lay_out(tmp_path / "set", *(folder for folder in folders if not folder.endswith("/")))
    assert said in complaint(tmp_path / "set")


def test_folders_of_pictures_with_labels_by_file_are_domains(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "set", "cam", "web")
    (root / "labels.csv").write_text("file,colour\ncam/frame_0.png,red\n")
    assert open_folder(root).domains == ("set",)
    (root / "labels.csv").write_text("file,item\ncam/frame_0.png,cup\n")
    source = layouts.Source(layouts.base.Tree(root), "set")
    assert tuple(layouts.read(source).listings) == ("cam", "web")


def write_index(root: Path, text: str | bytes, name: str = "index.csv") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


PICTURES = ("a/1.png", "a/2.png", "b/c/3.png")


def draw_pictures(root: Path) -> Path:
    for place, picture in enumerate(PICTURES):
        draw(root / picture, (60 * place, 0, 0))
    return root


@pytest.mark.parametrize("name", ["index.csv", "index.jsonl", "lists/mine.csv", "mine.jsonl"])
def test_an_index_lists_photographs(tmp_path: Path, name: str) -> None:
    root = draw_pictures(tmp_path / "set" / Path(name).parent)
    if name.endswith("csv"):
        text = (
            b'\xef\xbb\xbfPath,item,Domain,split,doctor\r\n./a/1.png,"cup\nand saucer",web,train,x\r\n\r\n'
            b"b/c/3.png,,cam,,\r\na/2.png, pen ,web,valid,\r\n"
        )
    else:
        text = (
            b'{"path": "a/1.png", "item": "cup\\nand saucer", "domain": "web", "split": "train", "more": [1]}\n\n'
            b'{"path": "b/c/3.png", "item": null, "domain": "cam"}\n'
            b'{"path": "a/2.png", "item": "pen", "domain": "web", "split": "validation"}'
        )
    given = write_index(tmp_path / "set", text, name)
    usual = given.name in index.FILES
    data = open_data(given.parent if usual else given)
    assert rows(data) == {
        "cam": [("b/c/3.png", None, None)],
        "web": [("a/1.png", "cup\nand saucer", "train"), ("a/2.png", "pen", "val")],
    }
    assert data.layout == (
        f"{data.name}: taken for 2 domains (cam, web) of 2 items, web in train and val, by {given.name}"
    )
    assert location(data) == str(given.parent if usual else given)
    assert reopen(describe_source(data)) == data
    assert data.photographs("web").root == root
    assert all(listing.by_file for listing in data.listings.values())


def test_an_index_without_domains_is_one_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    root = draw_pictures(tmp_path / "set")
    write_index(root, "path,item\na/1.png,cup\n")
    data = open_folder(root)
    assert rows(data) == {"set": [("a/1.png", "cup", None)]}
    assert data.layout == (
        "set: taken for one domain, set, of 1 item, by index.csv, which leaves out 1 picture beside those that it lists"
    )


def test_photographs_in_no_part_are_trained_on(tmp_path: Path) -> None:
    root = draw_pictures(tmp_path / "set")
    write_index(root, "path,item,split\na/1.png,cup,\na/2.png,cup,test\nb/c/3.png,pen,\n")
    photographs = open_folder(root).photographs("set")
    assert photographs.parts == ("train", "test", "train")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "index.csv: it lists no photograph"),
        ("path,item\n", "index.csv: it lists no photograph"),
        ("a/1.png,cup\n", "line 1: a header is needed, with a column path and any of item, domain, split"),
        ("path,item,item\n", "line 1: it has two columns item"),
        ("path,item\na/1.png\n", "line 2: it has 1 field where the header has 2"),
        ("path,item\n,cup\n", "line 2: it names no path"),
        ("path,item\n\na/9.png,cup\n", "line 3: there is no picture a/9.png"),
        ("path,item\na,cup\n", "line 2: there is no picture a "),
        ("path,item\nnotes.txt,cup\n", "line 2: there is no picture notes.txt"),
        ("path,item\n.hidden/x.png,cup\n", "line 2: there is no picture .hidden/x.png"),
        ("path,item\n../x.png,cup\n", "line 2: ../x.png leads out of the index's folder"),
        ("path,item\na/../../x.png,cup\n", "line 2: a/../../x.png leads out of the index's folder"),
        ("path,item\n..,cup\n", "line 2: .. leads out"),
        ("path,item\n/etc/passwd,cup\n", "line 2: /etc/passwd leads out of the index's folder"),
        ("path,item\na/1.png,cup\na/2.png,cup\n./a//1.png,pen\n", "line 4: ./a//1.png was listed in line 2 already"),
        ("path,item,domain\na/1.png,cup,web\na/2.png,cup,\n", "line 3: it names no domain, unlike line 2"),
        ("path,item,split\na/1.png,cup,trian\n", "line 2: there is no part 'trian' (did you mean train?)"),
        ('path,item\na/1.png,"cup\n', "line 2: it is no CSV"),
        ("path,item\na/1.png,c\0p\n", "line 2: its item holds a character that no name can hold"),
        ("path\na/1.png\n", "it holds pictures but no item folders"),
    ],
)
def test_a_malformed_index_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    root = draw_pictures(tmp_path / "set")
    draw(root / ".hidden" / "x.png")
    draw(tmp_path / "x.png")
    (root / "notes.txt").write_text("x")
    write_index(root, text)
    assert said in complaint(root)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"path": "a/1.png"', "line 1: it is not JSON"),
        ('\n["a/1.png"]', "line 2: it is not a JSON object"),
        ('{"path": "a/1.png", "item": 3}', "line 1: its item is no text"),
        ('{"path": "a/1.png", "path": "a/2.png"}', "line 1: it has a duplicate key"),
        ('{"item": "cup"}', "line 1: it names no path"),
        ('{"path": "a/1.png", "item": "\\ud800"}', "line 1: its item holds a character that no name can hold"),
        ("[" * 100_000, "line 1: it is"),
        ('{"path": "\xff\xfe"}'.encode("latin-1"), "line 1: it"),
    ],
)
def test_a_malformed_line_of_json_is_one_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    root = draw_pictures(tmp_path / "set")
    write_index(root, text, "index.jsonl")
    assert said in complaint(root)


def test_two_indexes_and_an_index_with_nested_are_refused(tmp_path: Path) -> None:
    root = draw_pictures(tmp_path / "set")
    write_index(root, "path,item\na/1.png,cup\n")
    with pytest.raises(Misuse, match=r"--nested: index\.csv says what each photograph shows; leave it out"):
        open_folder(root, nested=True)
    assert f"give the folder {root}" in complaint(tmp_path)
    write_index(root, "", "index.jsonl")
    assert "it holds two indexes, index.csv and index.jsonl; keep one" in complaint(root)
    assert open_data(root / "index.csv").items == ("cup",)


@pytest.mark.parametrize(
    ("options", "said"), [({"nested": True}, "--nested"), ({"follow_links": "."}, "--follow-links")]
)
def test_options_that_read_a_folder_are_for_ones_own(options: dict[str, bool | str], said: str) -> None:
    for data in (None, "sample", DataSet.of("set", Path("nowhere"), {})):
        with pytest.raises(Misuse, match=f"{said}: it says how to read a folder of your own"):
            open_data(data, **options)  # type: ignore[arg-type]


def test_an_index_in_the_home_of_a_known_set_is_remembered_itself(home: Path) -> None:
    root = draw_pictures(home / "data" / "sample")
    given = write_index(root, "path,item\na/1.png,cup\n", "mine.csv")
    assert location(open_data(given)) == str(given)


def test_a_data_set_that_is_open_is_taken_as_it_is(tmp_path: Path) -> None:
    data = open_folder(lay_out(tmp_path / "set", "cam/cup"))
    assert open_data(data) is data


def test_domains_of_one_folder_are_each_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = draw_pictures(tmp_path / "set")
    write_index(root, "path,item,domain\na/1.png,cup,web\na/2.png,cup,cam\n")
    for domain in ("cam", "web"):
        open_folder(root).photographs(domain)
    monkeypatch.setattr("office31_cli.storage.sha256_file", lambda path: pytest.fail(f"{path} is hashed again"))
    for domain in ("cam", "web"):
        open_folder(root).photographs(domain)


def add_layout(folder: Path, name: str, precedence: int) -> None:
    """The one file that adds a layout: all pictures of a folder with a `dated` file, by the day in their names."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(
        "from office31_cli.data.layouts.base import Layout as Base, Reading\n"
        "from office31_cli.data.layouts.level import Row, build_listing\n"
        "class Layout(Base):\n"
        f"    shape, precedence = 'ITEM-DAY.jpg ({name})', {precedence}\n"
        "    def recognises(self, source):\n"
        "        return (source.tree.root / 'dated').exists()\n"
        "    def read(self, source):\n"
        "        rows = [Row(file, file.split('-')[0]) for file in source.tree.list_pictures()]\n"
        "        return Reading({source.name: build_listing(source.tree.root, '', rows)}, ', by date')\n"
    )


def test_a_layout_is_added_by_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "__path__", [*layouts.__path__, str(tmp_path / "added")])
    root = tmp_path / "set"
    for name in ("cup-1.jpg", "pen-2.jpg", "dated"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    assert "it holds no folders" in complaint(root)
    add_layout(tmp_path / "added", "dated", 4)
    assert open_folder(root).layout == "set: taken for one domain, set, of 2 items, by date"
    add_layout(tmp_path / "added", "dated_too", 4)
    importlib.invalidate_caches()
    assert "it fits 2 layouts at once, ITEM-DAY.jpg (dated) and ITEM-DAY.jpg (dated_too)" in complaint(root)
