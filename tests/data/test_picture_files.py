import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.data.picture_files import PictureFile, find_pictures
from tests.helpers.small_data import Listener


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def below(root: Path, listener: Listener | None = None) -> list[str]:
    """What is found in a folder, by the paths below it."""
    return [str(each.path.relative_to(root)) for each in find_pictures([root], listener or Listener())]


def test_a_folder_is_looked_through_in_the_order_of_names(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a/2.PNG", "a/10.webp", "a/b/1.tiff", "c.txt", "d/e/f/deep.gif", "a.jpeg")
    assert below(tmp_path) == ["a/10.webp", "a/2.PNG", "a/b/1.tiff", "a.jpeg", "b.jpg", "d/e/f/deep.gif"]


def test_what_is_hidden_or_no_picture_by_its_name_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, ".a.jpg", "._b.jpg", ".git/c.jpg", "notes.txt", "jpg", "d.jpg.part", "e.jpg")
    touch(tmp_path, "__MACOSX/f.jpg", "@eaDir/g.jpg", "Thumbs.db", "h.HEIC", "i.avif")
    assert below(tmp_path) == ["e.jpg", "h.HEIC", "i.avif"]


def test_files_that_are_named_come_in_their_order_whatever_they_are_called(tmp_path: Path) -> None:
    touch(tmp_path, "z", ".hidden", "folder/a.jpg")
    named = [tmp_path / "z", tmp_path / "folder", tmp_path / ".hidden", tmp_path / "z"]
    found = [each.path for each in find_pictures(named)]
    assert found == [tmp_path / "z", tmp_path / "folder" / "a.jpg", tmp_path / ".hidden", tmp_path / "z"]


def test_links_to_folders_are_told_of_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "outside/secret.jpg", "tree/a/1.jpg", "other.jpg")
    tree = tmp_path / "tree"
    (tree / "a" / "round").symlink_to(tree)
    (tree / "out.jpg").symlink_to(tmp_path / "outside")
    (tree / "picture.jpg").symlink_to(tmp_path / "other.jpg")
    (tree / "itself.png").symlink_to("itself.png")
    listener = Listener()
    assert below(tree, listener) == ["a/1.jpg", "itself.png", "picture.jpg"]
    links = [tree / "a" / "round", tree / "out.jpg"]
    assert sorted(listener.said) == [f"{link}: a link to a folder, which is not followed" for link in links]


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.jpg")
    (tmp_path / "link").symlink_to("real")
    assert below(tmp_path / "link") == ["a.jpg"]


def test_a_folder_that_cannot_be_looked_into_counts_as_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may look anywhere, so the refusal is the test's own."""
    touch(tmp_path, "a.jpg", "b/locked.jpg", "c.jpg")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("/b"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert list(find_pictures([tmp_path])) == [
        PictureFile(tmp_path / "a.jpg"),
        PictureFile(tmp_path / "b", "this folder cannot be looked into (Permission denied)"),
        PictureFile(tmp_path / "c.jpg"),
    ]


def test_a_tree_deeper_than_any_stack_is_looked_through(tmp_path: Path) -> None:
    depth = sys.getrecursionlimit() + 100
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        above, here = here, os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(os.open("deep.jpg", os.O_CREAT, dir_fd=here))
    os.close(here)
    try:
        assert below(tmp_path) == [f"{'d/' * depth}deep.jpg"]
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # pytest could not, being recursive


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\x1b[2J\n.jpg")
    touch(tmp_path, name, "-rf.jpg", "=1+1.jpg")
    assert below(tmp_path) == ["-rf.jpg", "=1+1.jpg", name]


FOLDERS = st.lists(st.sampled_from(["x", "y", "z.jpg", ".h"]), max_size=3)
FILES = st.sampled_from(["a", "c.jpg", "D.PNG", ".e.jpg"])


@given(st.sets(st.tuples(FOLDERS.map(tuple), FILES), max_size=9))
def test_every_picture_is_found_once(
    tmp_path_factory: pytest.TempPathFactory, files: set[tuple[tuple[str, ...], str]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    touch(root, *("/".join((*folders, name)) for folders, name in files))
    shown = [(*folders, name) for folders, name in files if name in ("c.jpg", "D.PNG") and ".h" not in folders]
    assert below(root) == ["/".join(parts) for parts in sorted(shown)]
