import fcntl
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from office31_cli import storage
from office31_cli.errors import Failed
from tests.helpers.small_data import Crash


def test_a_file_is_the_old_or_the_new_one_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    for at in itertools.count(1):
        crash = Crash(at)
        monkeypatch.setattr(storage, "before_operation", crash)
        target.write_bytes(b"old")
        try:
            storage.write_file(target, b"new")
        except KeyboardInterrupt:
            assert target.read_bytes() == (b"new" if "rename" in crash.steps[:-1] else b"old")
            assert list(tmp_path.iterdir()) == [target]
        else:
            break
    assert crash.steps == ["create", "write", "fsync", "rename", "fsync"]
    assert target.read_bytes() == b"new"


def test_a_file_that_is_never_finished_is_not_seen(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"first"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        storage.write_file(tmp_path / "file", blocks())
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    storage.write_file(tmp_path / ("n" * 255), [b"a", b"b"])
    assert (tmp_path / ("n" * 255)).read_bytes() == b"ab"


@pytest.mark.parametrize("there", ["file", "link", "dangling"])
def test_a_new_file_is_never_written_over_or_through_what_is_there(tmp_path: Path, there: str) -> None:
    target, other = tmp_path / "file", tmp_path / "other"
    if there != "dangling":
        other.write_bytes(b"precious")
    if there == "file":
        other.rename(target)
    else:
        target.symlink_to(other)
    with pytest.raises(FileExistsError):
        storage.create_file(target, b"new")
    assert other.exists() == (there == "link")


def test_what_a_dead_process_left_is_taken_over_by_one(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        (tmp_path / storage.owned_name("run")).mkdir()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert storage.take_over(tmp_path, "other") is None
    taken = storage.take_over(tmp_path, "run")
    assert taken is not None
    assert list(tmp_path.iterdir()) == [taken]
    assert storage.take_over(tmp_path, "run") is None, "it is ours now, and we run"


def test_what_belongs_to_nobody_or_to_the_living(tmp_path: Path) -> None:
    (tmp_path / storage.owned_name("mine")).mkdir()
    (tmp_path / "somebody's own folder").mkdir()
    assert storage.take_over(tmp_path) is None
    (tmp_path / storage.owned_name("free", free=True)).mkdir()
    assert storage.take_over(tmp_path) is not None
    assert storage.take_over(tmp_path / "nowhere") is None


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    lock = tmp_path / "deep" / "lock"
    refusal = pytest.raises(Failed, match=f"process {os.getpid()} is working on it")
    with storage.hold_lock(lock), refusal, storage.hold_lock(lock, timeout=0):
        raise AssertionError
    with storage.hold_lock(lock, timeout=0):
        pass
    child = os.fork()
    if child == 0:
        with storage.hold_lock(lock):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with storage.hold_lock(lock, timeout=0):
        pass


def test_a_lock_that_its_last_holder_took_away_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, flock, tidied = tmp_path / "lock", fcntl.flock, list[int]()

    def too_late(descriptor: int, how: int) -> None:
        if not tidied:  # another process removes its lock file between our opening it and our locking it
            lock.unlink()
        tidied.append(descriptor)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", too_late)
    with storage.hold_lock(lock), pytest.raises(Failed, match="is working on it"), storage.hold_lock(lock, timeout=0):
        raise AssertionError


def test_folders_are_made_and_removed_however_often(tmp_path: Path) -> None:
    for _ in range(2):
        assert storage.make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "a" / "b" / "file").write_bytes(b"x")
    for _ in range(2):
        storage.remove_folder(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_the_hash_of_a_file_is_the_published_one(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert storage.sha256_file(tmp_path / "abc") == expected
