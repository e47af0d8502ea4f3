import itertools
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import zlib
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from office31_cli import paths, storage
from office31_cli.data import cache
from office31_cli.data.cache import CachedArray, Rows, content_key, open_cache
from office31_cli.errors import Failed
from tests.helpers.small_data import Crash, Listener

COUNT = 200
SHAPE = (COUNT, 3)
TRUTH = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


class Source:
    """Hands out the true rows, counting how often each was asked for; before row `stop_at` it does `stop`."""

    def __init__(self, stop_at: int = COUNT, stop: type[BaseException] | signal.Signals = KeyboardInterrupt) -> None:
        self.asked = np.zeros(COUNT, dtype=int)
        self.stop_at, self.stop = stop_at, stop

    def __call__(self, start: int, stop: int) -> Rows:
        if stop > self.stop_at:
            if isinstance(self.stop, signal.Signals):
                os.kill(os.getpid(), self.stop)
            else:
                raise self.stop
        self.asked[start:stop] += 1
        return TRUTH[start:stop]


def build(source: Source, listener: Listener | None = None) -> CachedArray:
    return open_cache("rows", "key", SHAPE, np.uint8, source, label="making", observer=listener or Listener())


def entry() -> Path:
    return paths.cache_home() / "rows" / "key"


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def test_rows_are_made_once_and_read_in_any_order() -> None:
    source = Source()
    assert np.array_equal(build(source).all(), TRUTH)
    again = build(source)
    assert len(again) == COUNT
    assert np.array_equal(again.rows([7, 0, 7]), TRUTH[[7, 0, 7]])
    assert source.asked.tolist() == [1] * COUNT
    assert [path.name for path in entry().parent.iterdir()] == ["key"]


def test_blocks_hold_every_row_once_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (1, 10, 3 * COUNT, 1 << 20):
        monkeypatch.setattr(cache, "_BLOCK_BYTES", size)
        blocks = list(build(Source()).blocks())
        assert np.array_equal(np.concatenate(blocks), TRUTH)
        assert all(block.nbytes <= max(size, 3) for block in blocks)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system does not say how much memory was used")
def test_memory_stays_flat_however_many_rows_are_read(tmp_path: Path) -> None:
    """512 MiB in an order that jumps, read by a process of its own."""
    count, row = 1 << 17, bytes(4096)
    with (tmp_path / "rows.bin").open("wb") as stream:
        stream.truncate(count * len(row))
    np.full(count, zlib.crc32(row), dtype=np.uint32).tofile(tmp_path / "crc.bin")
    reading = f"""
import re
import numpy as np
from pathlib import Path
from office31_cli.data.cache import CachedArray
from office31_cli.observer import SILENT

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

array = CachedArray(Path({str(tmp_path)!r}), ({count}, 1024), np.float32, None, SILENT)
before = peak()
for first in range(0, {count}, 64):
    assert not array.rows((first + np.arange(64)) * 65537 % {count}).any()
print(peak() - before)
"""
    ran = subprocess.run([sys.executable, "-c", reading], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 32 << 10  # KiB


def test_rows_are_the_readers_own() -> None:
    array = build(Source())
    array.rows([3])[:] = 0
    assert np.array_equal(array.rows([3]), TRUTH[[3]])


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_rows_may_hold_any_numbers(dtype: type) -> None:
    truth = np.arange(24, dtype=dtype).reshape(4, 2, 3)
    array = open_cache("rows", "key", truth.shape, dtype, lambda start, stop: truth[start:stop], label="making")
    assert array.all().dtype == dtype
    assert np.array_equal(array.all(), truth)


@pytest.mark.parametrize(("file", "offset"), [("rows.bin", 5 * 3), ("crc.bin", 5 * 4)])
@pytest.mark.fault(33)
def test_a_flipped_byte_is_noticed_told_once_and_mended(file: str, offset: int) -> None:
    listener, source = Listener(), Source()
    array = build(source, listener)
    flip(entry() / file, offset)
    array = build(source, listener)
    for _ in range(2):
        assert np.array_equal(array.all(), TRUTH)
    assert np.array_equal(build(source, listener).all(), TRUTH)
    assert len(listener.warned) == 1
    assert "row 5 " in listener.warned[0]
    assert source.asked.sum() == COUNT + 1


@pytest.mark.parametrize("file", ["rows.bin", "crc.bin"])
@pytest.mark.parametrize("size", [0, 100])
@pytest.mark.fault(34)
def test_a_truncated_file_is_made_again_with_a_warning(file: str, size: int) -> None:
    listener = Listener()
    build(Source())
    os.truncate(entry() / file, size)
    assert np.array_equal(build(Source(), listener).all(), TRUTH)
    assert len(listener.warned) == 1
    assert str(entry()) in listener.warned[0]


def test_rows_that_were_cut_off_while_it_was_open_are_mended() -> None:
    listener, source = Listener(), Source()
    array = build(source, listener)
    os.truncate(entry() / "rows.bin", 3 * (COUNT - 2) + 1)
    assert np.array_equal(array.all(), TRUTH)
    assert len(listener.warned) == 2


def test_a_lost_file_is_made_again() -> None:
    build(Source())
    (entry() / "crc.bin").unlink()
    assert np.array_equal(build(Source()).all(), TRUTH)


@pytest.mark.fault(39)
def test_what_cannot_be_written_can_still_be_read() -> None:
    build(Source())
    flip(entry() / "rows.bin", 0)
    for path in (entry() / "rows.bin", entry() / "crc.bin"):
        path.chmod(0o444)
    entry().chmod(0o555)
    assert np.array_equal(build(Source()).all(), TRUTH)


@pytest.mark.parametrize("stop_at", [0, 64, 150])
def test_an_interrupted_build_goes_on_where_it_was(stop_at: int) -> None:
    first, second, listener = Source(stop_at), Source(), Listener()
    with pytest.raises(KeyboardInterrupt):
        build(first)
    assert not entry().exists()
    assert np.array_equal(build(second, listener).all(), TRUTH)
    assert (first.asked + second.asked).tolist() == [1] * COUNT
    done = int(first.asked.sum())
    assert listener.tracked == [(COUNT, done, COUNT - done)]


@pytest.mark.parametrize("stop_at", [0, 64, 150])
@pytest.mark.fault(36)
def test_a_killed_build_goes_on_where_it_was(stop_at: int) -> None:
    child = os.fork()
    if child == 0:
        try:
            build(Source(stop_at, signal.SIGKILL))
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    source = Source()
    assert np.array_equal(build(source).all(), TRUTH)
    assert source.asked.tolist() == [0] * (stop_at // 64 * 64) + [1] * (COUNT - stop_at // 64 * 64)


def test_a_crash_at_any_step_leaves_nothing_half_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for at in itertools.count(1):
        crash = Crash(at)
        monkeypatch.setattr(storage, "before_operation", crash)
        shutil.rmtree(entry().parent, ignore_errors=True)
        try:
            build(Source())
        except KeyboardInterrupt:
            assert np.array_equal(build(Source()).all(), TRUTH)
        else:
            break
    assert {"mkdir", "fsync", "rename"} <= set(crash.steps)


def test_a_part_of_another_size_is_not_gone_on_with() -> None:
    with pytest.raises(KeyboardInterrupt):
        build(Source(64))
    os.truncate(entry().with_name("key.part") / "rows.bin", 7)
    source = Source()
    assert np.array_equal(build(source).all(), TRUTH)
    assert source.asked.tolist() == [1] * COUNT


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.fault(37)
def test_of_several_builders_one_builds(damaged: bool) -> None:
    if damaged:
        build(Source())
        os.truncate(entry() / "rows.bin", 7)
    source, listener, everyone = Source(), Listener(), threading.Barrier(4)
    results: list[Rows] = []

    def work() -> None:
        everyone.wait()
        results.append(build(source, listener).all())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(rows, TRUTH) for rows in results)
    assert source.asked.tolist() == [1] * COUNT
    assert len(listener.warned) == damaged


def test_rows_of_zeros_are_known_without_reading_them() -> None:
    truth = np.ones((5, 4), dtype=np.uint8)
    truth[[1, 4]] = 0
    array = open_cache("rows", "key", truth.shape, np.uint8, lambda start, stop: truth[start:stop], label="making")
    assert array.blank_rows().tolist() == [1, 4]


def test_a_full_disk_is_told_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 0))
    source = Source()
    with pytest.raises(Failed, match=r"needs .* GB and the disk has 0\.0 GB left; free some space"):
        build(source)
    assert source.asked.sum() == 0


@pytest.mark.fault(38)
def test_the_key_depends_on_every_name_value_and_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [
        content_key(pixels="ab", side=8),
        content_key(pixels="ab", side=9),
        content_key(pixels="ba", side=8),
        content_key(pixel="ab", side=8),
        content_key(pixels="ab", side="8"),
        content_key(pixels="ab"),
    ]
    assert content_key(side=8, pixels="ab") == keys[0]
    monkeypatch.setattr(cache, "_LAYOUT", cache._LAYOUT + 1)
    keys.append(content_key(pixels="ab", side=8))
    assert len(set(keys)) == len(keys)


def test_another_process_that_meets_damage_says_what_helps_wherever_it_runs() -> None:
    """It cannot compute the row, and under Ray no option makes it run where that can be done."""
    array = build(Source())
    sent = pickle.loads(pickle.dumps(array))
    assert np.array_equal(sent.all(), TRUTH)
    flip(entry() / "rows.bin", 5 * 3)
    with pytest.raises(Failed) as failure:
        pickle.loads(pickle.dumps(array)).all()
    assert str(failure.value) == f"cache {entry()}: row 5 is damaged; remove that folder, and run the command again"
