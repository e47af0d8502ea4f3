import os
import shutil
from pathlib import Path

import pytest

from office31_cli.data.folder import open_folder
from office31_cli.data.photographs import UNKNOWN, UNLABELLED
from office31_cli.errors import Failed, Misuse
from tests.helpers.small_data import draw, lay_out


def complaint(root: Path) -> str:
    """What is said about a layout that is refused, which is always one line that names the folder."""
    with pytest.raises(Failed) as caught:
        open_folder(root)
    said = str(caught.value)
    assert said.isprintable()
    assert said.startswith(str(root))
    return said


@pytest.mark.parametrize("between", ["", "images/"])
def test_both_layouts_are_read(tmp_path: Path, between: str) -> None:
    lay_out(tmp_path / "lab", f"cam/{between}pen", f"cam/{between}cup", f"web/{between}cup", f"web/{between}pen")
    data = open_folder(tmp_path / "lab")
    assert (data.name, data.domains, data.items) == ("lab", ("cam", "web"), ("cup", "pen"))
    photographs = data.photographs("web")
    assert photographs.files == ("cup/frame_0.png", "cup/frame_1.png", "pen/frame_0.png", "pen/frame_1.png")
    assert photographs.items.tolist() == [0, 0, 1, 1]
    assert photographs.rows.tolist() == [0, 1, 2, 3]
    assert (photographs.root / photographs.files[0]).is_file()


def test_domains_may_be_laid_out_differently(tmp_path: Path) -> None:
    assert open_folder(lay_out(tmp_path, "cam/images/cup", "web/cup")).items == ("cup",)


def test_hidden_files_and_other_kinds_do_not_count(tmp_path: Path) -> None:
    lay_out(tmp_path, "cam/cup")
    draw(tmp_path / "cam" / "cup" / "loud.PNG")
    for name in (".DS_Store", "cam/.DS_Store", "cam/cup/._frame_0.png", "cam/cup/notes.txt", "readme.md"):
        (tmp_path / name).write_text("x")
    for name in (".git", "cam/.thumbnails", "cam/cup/.cache"):
        (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / "cam" / "cup" / "pipe.png")  # reading it would wait for ever
    assert open_folder(tmp_path).photographs("cam").files == tuple(
        f"cup/{name}" for name in ("frame_0.png", "frame_1.png", "loud.PNG")
    )


def test_no_folder(tmp_path: Path) -> None:
    assert "there is no such folder; expected DOMAIN/ITEM/*" in complaint(tmp_path / "nowhere")


def test_pictures_alone(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    assert "expected DOMAIN/ITEM/* or DOMAIN/images/ITEM/* below it, found that it holds no folders" in complaint(
        tmp_path
    )


def test_images_at_the_top(tmp_path: Path) -> None:
    said = complaint(lay_out(tmp_path, "images/cup", "images/pen"))
    assert "found that it holds a folder 'images' where a domain should be; give the folder above it" in said


def test_images_below_the_item(tmp_path: Path) -> None:
    """Where `images` says which folders are the items, one below an item is a folder like any other."""
    said = complaint(lay_out(tmp_path / "one", "cam/cup/images"))
    assert "found that all lies in cam/, whose folders hold folders alone: they may be domains, or items" in said
    assert f"give the folder {tmp_path / 'one' / 'cam'}, and add --nested if it is one domain" in said
    data = open_folder(lay_out(tmp_path / "other", "cam/images/cup/images"))
    assert (data.domains, data.items) == (("cam",), ("cup",))
    assert data.listings["cam"].files == ("cup/images/frame_0.png", "cup/images/frame_1.png")


def test_one_domains_folder(tmp_path: Path) -> None:
    data = open_folder(lay_out(tmp_path / "things", "cup", "pen"))
    assert (data.domains, data.items) == (("things",), ("cup", "pen"))
    assert data.layout == "things: taken for one domain, things, of 2 items"


def test_pictures_without_items_below_images(tmp_path: Path) -> None:
    said = complaint(lay_out(tmp_path, "cam/images", "web/images"))
    assert "found that cam/images/ holds pictures but no item folders" in said


@pytest.mark.parametrize("between", ["", "images"])
def test_a_domain_without_item_folders_is_unlabelled(tmp_path: Path, between: str) -> None:
    lay_out(tmp_path, "cam/cup", "cam/pen", f"heap/{between}", "web/cup", "web/pen")
    data = open_folder(tmp_path)
    assert (data.domains, data.items) == (("cam", "heap", "web"), ("cup", "pen"))
    assert (data.unlabelled_domains, data.labelled_domains) == (("heap",), ("cam", "web"))
    assert data.listings["heap"].files == ("frame_0.png", "frame_1.png")
    assert data.listings["heap"].labels == (None, None)
    assert data.photographs("heap").root == tmp_path / "heap" / between
    data.check_labelled("cam")
    with pytest.raises(Misuse) as caught:
        data.check_labelled("heap")
    assert str(caught.value) == (
        "domain heap: none of its pictures has a label: they lie in no item folders, and no labels.csv names them; put "
        "each into a folder named after its item, or use it as the --target of office31 adapt"
    )
    with pytest.raises(Misuse, match="did you mean heap"):
        data.check_labelled("heep")


def test_pictures_beside_item_folders_have_no_label(tmp_path: Path) -> None:
    draw(lay_out(tmp_path, "cam/cup", "web/images/cup") / "cam" / "loose.png")
    draw(tmp_path / "web" / "images" / "loose.png")
    data = open_folder(tmp_path)
    assert data.unlabelled_domains == ()
    for domain in ("cam", "web"):
        photographs = data.photographs(domain)
        assert photographs.files == ("cup/frame_0.png", "cup/frame_1.png", "loose.png")
        assert photographs.items.tolist() == [0, 0, UNLABELLED]
        assert photographs.known().files == photographs.files[:2]


@pytest.mark.parametrize("folder", ["cam/images", "cam/images/cup"])
def test_a_domain_has_its_pictures_in_one_place(tmp_path: Path, folder: str) -> None:
    said = complaint(lay_out(tmp_path, "cam", folder, "web/cup"))
    assert "found that cam/ holds pictures and a folder 'images'; put all pictures into one of the two" in said


@pytest.mark.parametrize("inner", ["", "images/"])
@pytest.mark.fault(25)
def test_an_empty_domain(tmp_path: Path, inner: str) -> None:
    lay_out(tmp_path, "web/cup")
    (tmp_path / "cam" / inner).mkdir(parents=True)
    assert f"found that cam/{inner} holds no item folders" in complaint(tmp_path)


@pytest.mark.fault(25)
def test_an_item_without_pictures(tmp_path: Path) -> None:
    lay_out(tmp_path, "cam/cup", "web/cup")
    (tmp_path / "web" / "pen").mkdir()
    (tmp_path / "web" / "pen" / "notes.txt").write_text("x")
    assert "found that web/pen holds no pictures; add some, or remove the folder" in complaint(tmp_path)


def test_each_domain_holds_the_items_that_it_has(tmp_path: Path) -> None:
    data = open_folder(lay_out(tmp_path, "cam/cup", "cam/pen", "web/pen", "web/tape"))
    assert data.items == ("cup", "pen", "tape")
    assert (data.items_of("cam"), data.items_of("web")) == (("cup", "pen"), ("pen", "tape"))
    assert data.photographs("web").items.tolist() == [1, 1, 2, 2]
    numbered = data.numbered(("pen", "cup"))
    assert numbered.photographs("cam").items.tolist() == [1, 1, 0, 0]
    assert numbered.photographs("web").items.tolist() == [0, 0, UNKNOWN, UNKNOWN]
    assert numbered.photographs("web").known().items.tolist() == [0, 0]
    assert numbered.photographs("web").is_unknown.tolist() == [False, False, True, True]


@pytest.mark.parametrize("link", ["cam", "cam/frame.png", "web/cup", "web/cup/frame.png", "web/images"])
@pytest.mark.parametrize("target", ["outside", "."])
@pytest.mark.fault(30)
def test_a_symbolic_link_is_not_followed(tmp_path: Path, link: str, target: str) -> None:
    root = lay_out(tmp_path / "set", "web/pen")
    lay_out(tmp_path / "outside", "cup")
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(tmp_path / "outside" if target == "outside" else target)
    assert f"{link}: a symbolic link, which could lead anywhere; put the pictures themselves" in complaint(root)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    lay_out(tmp_path / "set", "web/pen")
    (tmp_path / "link").symlink_to("set")
    assert open_folder(tmp_path / "link").items == ("pen",)


STRANGE = [b"two\nlines", b"\x1b[31mred", b"[red]x[bold]", b"caf\xe9", b"n" * 251, "カメラ".encode(), b"-rf *", b"a b"]


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.fault(29)
def test_strange_names_work_and_are_shown_harmlessly(tmp_path: Path, name: bytes) -> None:
    root, word = tmp_path / "set", os.fsdecode(name)
    lay_out(root, f"{word}/{word}", pictures=0)
    draw(root / word / word / "x.png").rename(root / word / word / f"{word}.png")
    data = open_folder(root)
    assert (data.domains, data.items) == ((word,), (word,))
    assert data.photographs(word).files == (f"{word}/{word}.png",)
    assert data.photographs(word).digests == open_folder(root).photographs(word).digests
    with pytest.raises(Misuse) as caught:
        data.check_domain(word[:-1])
    assert str(caught.value).isprintable()
    (root / word / f"{word}2").mkdir()
    assert "holds no pictures" in complaint(root)


def test_an_unknown_domain_gets_a_near_match(tmp_path: Path) -> None:
    data = open_folder(lay_out(tmp_path, "amazon/cup", "webcam/cup"), "lab")
    with pytest.raises(Misuse, match="domain webcm: lab has no such domain; did you mean webcam"):
        data.photographs("webcm")


@pytest.mark.fault(32)
def test_items_are_numbered_by_name_whatever_the_order_on_disk(tmp_path: Path) -> None:
    one, other = lay_out(tmp_path / "1", "a/x", "a/y", "a/z"), lay_out(tmp_path / "2", "a/z", "a/y", "a/x")
    assert open_folder(one).items == open_folder(other).items == ("x", "y", "z")


def test_a_picture_that_vanishes_is_an_os_error_with_its_name(tmp_path: Path) -> None:
    data = open_folder(lay_out(tmp_path, "a/x"))
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(OSError, match="No such file") as caught:
        data.photographs("a")
    assert str(tmp_path / "a") in str(caught.value.filename)
