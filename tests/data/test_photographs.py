import os
from pathlib import Path

import pytest

from office31_cli import paths, storage
from office31_cli.data import photographs
from office31_cli.data.folder import open_folder
from office31_cli.data.photographs import Photographs, digest_files
from tests.helpers.small_data import draw, lay_out

FILES = ("cup/frame_0.png", "cup/frame_1.png", "pen/frame_0.png", "pen/frame_1.png")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "set" / "amazon", "cup", "pen")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose bytes were read."""
    names: list[str] = []
    honest = storage.sha256_file

    def listening(path: Path) -> str:
        names.append(path.name)
        return honest(path)

    monkeypatch.setattr(storage, "sha256_file", listening)
    return names


def opened(root: Path) -> Photographs:
    return open_folder(root.parent).photographs("amazon")


def test_each_file_is_hashed_once(root: Path, hashed: list[str]) -> None:
    first = digest_files(root, FILES)
    assert first == tuple(storage.sha256_file(root / name) for name in FILES)
    hashed.clear()
    assert digest_files(root, FILES) == first
    assert hashed == []


@pytest.mark.fault(35)
def test_an_edit_that_keeps_size_and_time_is_noticed(root: Path, hashed: list[str]) -> None:
    before = digest_files(root, FILES)
    target, hashed[:] = root / FILES[1], []
    old = target.stat()
    content = bytearray(target.read_bytes())
    content[-1] ^= 1
    while target.stat().st_ctime_ns == old.st_ctime_ns:  # the clock of the file system ticks every few milliseconds
        target.write_bytes(content)
        os.utime(target, ns=(old.st_atime_ns, old.st_mtime_ns))
    new = target.stat()
    assert (new.st_size, new.st_mtime_ns) == (old.st_size, old.st_mtime_ns)
    after = digest_files(root, FILES)
    assert hashed == [target.name]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True, True]


def test_files_that_are_hashed_a_few_at_a_time_keep_their_order(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "_AT_ONCE", 3)
    assert digest_files(root, FILES) == tuple(storage.sha256_file(root / name) for name in FILES)


def test_known_files_may_be_asked_for_in_another_order(root: Path, hashed: list[str]) -> None:
    before = digest_files(root, FILES)
    hashed.clear()
    assert digest_files(root, FILES[::-1]) == before[::-1]
    assert hashed == []


def test_a_new_file_alone_is_hashed(root: Path, hashed: list[str]) -> None:
    digest_files(root, FILES[1:])
    hashed.clear()
    digest_files(root, FILES)
    assert hashed == ["frame_0.png"]


@pytest.mark.parametrize("damage", [b"", b"\0" * 500, b"x"])
def test_a_damaged_index_is_made_again(root: Path, damage: bytes) -> None:
    before = digest_files(root, FILES)
    (index,) = (paths.cache_home() / "digests").iterdir()
    index.write_bytes(damage)
    assert digest_files(root, FILES) == before
    assert index.read_bytes() != damage


def test_the_content_is_that_of_the_bytes_and_not_of_the_place(root: Path, tmp_path: Path) -> None:
    elsewhere = lay_out(tmp_path / "other" / "amazon", "cup", "pen")
    assert opened(root).content == opened(elsewhere).content
    draw(elsewhere / FILES[2], (1, 2, 3))
    assert opened(root).content != opened(elsewhere).content


def test_a_subset_keeps_its_rows(root: Path) -> None:
    whole = opened(root)
    part = whole.subset(whole.items == 1)
    assert (len(whole), len(part)) == (4, 2)
    assert part.files == FILES[2:]
    assert part.digests == whole.digests[2:]
    assert part.items.tolist() == [1, 1]
    assert part.rows.tolist() == [2, 3]
    assert part.subset(part.rows == 3).rows.tolist() == [3]
    assert whole.has_labels
    assert part.has_labels


def test_those_of_an_unlabelled_domain_are_of_no_item(root: Path) -> None:
    data = open_folder(lay_out(root.parent, "heap", pictures=3))
    whole = data.photographs("heap")
    assert whole.files == ("frame_0.png", "frame_1.png", "frame_2.png")
    assert whole.items.tolist() == [-1, -1, -1]
    assert whole.items.dtype == data.photographs("amazon").items.dtype
    assert whole.digests == tuple(storage.sha256_file(root.parent / "heap" / name) for name in whole.files)
    part = whole.subset(whole.rows > 0)
    assert (part.files, part.items.tolist(), part.rows.tolist()) == (whole.files[1:], [-1, -1], [1, 2])
    assert not whole.has_labels
    assert not part.has_labels
    assert not whole.subset(whole.rows > 9).has_labels
