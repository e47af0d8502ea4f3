"""Symbolic links are followed where the user says so, and only to where the user says."""

from pathlib import Path

import pytest

from office31_cli.data.catalogue import describe_source, open_data, reopen
from office31_cli.data.folder import open_folder
from office31_cli.errors import Failed, Misuse
from tests.helpers.small_data import draw, lay_out


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the photographs lie that links lead to."""
    return lay_out(tmp_path / "store", "cup", "pen", "deep/tape")


def complaint(root: Path, store: Path) -> str:
    with pytest.raises(Failed) as caught:
        open_folder(root, follow_links=store)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_links_to_files_and_folders_are_followed_below_a_named_root(tmp_path: Path, store: Path) -> None:
    root = lay_out(tmp_path / "set", "cam/tape", pictures=1)
    (root / "cam" / "cup").symlink_to(store / "cup")
    (root / "cam" / "pen").mkdir()
    (root / "cam" / "pen" / "one.png").symlink_to(store / "pen" / "frame_0.png")
    (root / "cam" / "pen" / "again.png").symlink_to("../tape/frame_0.png")
    data = open_data(root, follow_links=store)
    assert data.listings["cam"].files == (
        "cup/frame_0.png",
        "cup/frame_1.png",
        "pen/again.png",
        "pen/one.png",
        "tape/frame_0.png",
    )
    assert describe_source(data)["follow_links"] == str(store)
    assert reopen(describe_source(data)) == data
    assert len(data.photographs("cam").digests) == 5
    with pytest.raises(Failed, match="a symbolic link, which could lead anywhere"):
        open_folder(root)


def test_links_below_the_data_set_itself_are_followed(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "set", "cam/cup", ".annex/objects")
    (root / "cam" / "cup" / "x.png").symlink_to("../../.annex/objects/frame_0.png")
    (root / "web").mkdir()
    (root / "web" / "cup").symlink_to(root / ".annex" / "objects")
    data = open_folder(root, follow_links=root)
    assert data.listings["cam"].files == ("cup/frame_0.png", "cup/frame_1.png", "cup/x.png")
    assert data.listings["web"].files == ("cup/frame_0.png", "cup/frame_1.png")


def test_an_index_may_name_what_a_link_leads_to(tmp_path: Path, store: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    (root / "photos").symlink_to(store)
    (root / "index.csv").write_text("path,item\nphotos/cup/frame_0.png,cup\n")
    assert open_folder(root, follow_links=store).listings["set"].files == ("photos/cup/frame_0.png",)
    with pytest.raises(Failed, match="a symbolic link, which could lead anywhere"):
        open_folder(root)
    (root / "real.csv").symlink_to(tmp_path / "elsewhere.csv")
    (root / "index.csv").rename(tmp_path / "elsewhere.csv")
    (root / "real.csv").rename(root / "index.csv")
    assert "is not below" in complaint(root, store)


@pytest.mark.parametrize("link", ["cam", "cam/pen", "cam/cup/x.png"])
@pytest.mark.fault(30)
def test_a_link_to_somewhere_else_is_refused(tmp_path: Path, store: Path, link: str) -> None:
    root = lay_out(tmp_path / "set", "web/cup")
    outside = lay_out(tmp_path / "store-of-others", "cup")  # the beginning of its name is that of the root
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(outside / "cup" / "frame_0.png" if link.endswith("png") else outside)
    assert f"{link}: a link to {outside}" in complaint(root, store)
    assert f"which is not below {store}; name a folder above it with --follow-links" in complaint(root, store)


@pytest.mark.fault(30)
def test_a_link_out_of_the_root_by_way_of_it_is_refused(tmp_path: Path, store: Path) -> None:
    (store / "out").symlink_to(lay_out(tmp_path / "outside", "cup"))
    root = lay_out(tmp_path / "set", "web/cup")
    (root / "cam").symlink_to(store)
    assert f"cam/out: a link to {tmp_path / 'outside'}, which is not below" in complaint(root, store)
    (root / "cam").unlink()
    (root / "cam").symlink_to(store / "out")
    assert f"cam: a link to {tmp_path / 'outside'}, which is not below" in complaint(root, store)


@pytest.mark.parametrize(
    ("link", "target", "said"),
    [
        ("web/cup/up", "..", "web/cup/up: a link that leads back to a folder above it; remove the link"),
        ("web/cup/top", "../..", "web/cup/top: a link that leads back to a folder above it"),
        ("web/cup/same", ".", "web/cup/same: a link that leads back to a folder above it"),
        ("web/cup/self", "self", "web/cup/self: a link that leads round in a circle"),
        ("web/cup/gone.png", "nothing", "web/cup/gone.png: a link to nothing"),
        ("web/mug", "cup", "web/mug: the same folder as"),
        ("cam", "web", "web: the same folder as"),
    ],
)
@pytest.mark.fault(30)
def test_loops_and_second_ways_to_a_folder_are_refused(tmp_path: Path, link: str, target: str, said: str) -> None:
    root = lay_out(tmp_path / "set", "web/cup", "web/pen")
    (root / link).symlink_to(target)
    assert said in complaint(root, root)


def test_two_links_that_lead_to_each_other(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "set", "cam/cup", "web/cup")
    (root / "cam" / "cup" / "other").symlink_to(root / "web")
    (root / "web" / "cup" / "other").symlink_to(root / "cam")
    assert "cam" in complaint(root, root)


def test_the_root_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"--follow-links .*nowhere: there is no such folder"):
        open_data(lay_out(tmp_path / "set", "cam/cup"), follow_links=tmp_path / "nowhere")


def test_links_that_do_not_count_are_not_looked_at(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "set", "cam/cup")
    (root / ".hidden").symlink_to("/")
    (root / "cam" / "@eaDir").symlink_to("/")
    draw(root / "cam" / "cup" / "__MACOSX" / "x.png")
    assert len(open_folder(root).listings["cam"].files) == 2
