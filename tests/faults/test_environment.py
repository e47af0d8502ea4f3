"""Disks that are full, networks and pictures that are gone, memory that does not do, impatient users."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from office31_cli.registry import Registry, upkeep
from tests.helpers.real_command import OWN, Command, Done
from tests.helpers.small_data import lay_out

_ISOLATED = ("unshare", "--map-root-user")
_can_isolate = (
    shutil.which("unshare") is not None and not subprocess.run([*_ISOLATED, "-mn", "true"], check=False).returncode
)
_NEW_MOUNTS, _NEW_USER, _NEW_NETWORK = 0x20000, 0x10000000, 0x40000000
isolating = pytest.mark.skipif(not _can_isolate, reason="this machine lets nobody make a namespace")


@pytest.fixture
def command(home: Path) -> Command:
    return Command(home)


@pytest.fixture
def things(tmp_path: Path) -> Path:
    """Two domains of two items with eight pictures each."""
    return lay_out(tmp_path / "things", "shop/cup", "shop/pen", "phone/cup", "phone/pen", pictures=8)


@pytest.fixture
def words(things: Path) -> tuple[str, ...]:
    return (*OWN, "--data", str(things))


def error(done: Done) -> str:
    """The one line on stderr that tells what went wrong."""
    (line,) = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert done.out == ""
    assert "Traceback" not in done.err
    return line


def isolate(kind: str, script: str = "true", after: str = "true") -> str:
    """A prelude that puts the command into a namespace of its own, in which it is root, as `unshare` does.

    `script` is a shell's and runs there first; what `after` prints when the command has ended is on its stdout.
    """
    flags = _NEW_USER | {"network": _NEW_NETWORK, "mounts": _NEW_MOUNTS}[kind]
    return f"""
import atexit, ctypes, os, subprocess
from pathlib import Path
maps = {{"setgroups": "deny", "uid_map": f"0 {{os.getuid()}} 1", "gid_map": f"0 {{os.getgid()}} 1"}}
assert ctypes.CDLL(None).unshare({flags}) == 0
for name, text in maps.items():
    Path("/proc/self", name).write_text(text)
if {flags & _NEW_MOUNTS}:
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
subprocess.run(["sh", "-ec", {script!r}], check=True)
atexit.register(subprocess.run, ["sh", "-c", {after!r}])
"""


@isolating
@pytest.mark.fault(12)
def test_without_a_network_the_way_by_hand_is_told_and_what_is_here_works(
    command: Command, words: tuple[str, ...]
) -> None:
    done = command("download", prelude=isolate("network"))
    assert (done.code, "--from" in error(done)) == (1, True)
    assert command(*words, "--weights", "none", prelude=isolate("network")).code == 0


@pytest.mark.fault(31)
def test_a_picture_that_is_removed_in_the_middle_is_named(command: Command, words: tuple[str, ...]) -> None:
    command.json(*words, "--name", "earlier")
    prelude = """
from office31_cli.data import pixels
decode = pixels.decode
def vanish(path, side):
    path.unlink()
    return decode(path, side)
pixels.decode = vanish
"""
    done = command(*words, "--domain", "phone", prelude=prelude)
    assert (done.code, ".png" in error(done)) == (1, True)
    assert upkeep.verify(Registry(command.home / "registry")) == []
    assert [entry.name for entry in Registry(command.home / "registry").entries()] == ["earlier"]


_FULL_AT_EPOCH_2 = """
import errno, os
from office31_cli import storage
def full(operation, path):
    if operation == "write" and path.name == "state.safetensors":
        full.left -= 1
        if full.left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
full.left = 2
storage.before_operation = full
"""


@pytest.mark.fault(47, 82)
def test_a_full_disk_stops_at_a_checkpoint_and_the_one_before_is_gone_on_from(
    command: Command, words: tuple[str, ...]
) -> None:
    done = command(*words, prelude=_FULL_AT_EPOCH_2)
    assert (done.code, "free some space" in error(done)) == (1, True)
    assert command(*words).err.startswith("resuming after epoch 1 of 3\n")


@isolating
@pytest.mark.fault(82)
def test_a_disk_of_a_megabyte_is_full_in_one_line(command: Command, words: tuple[str, ...]) -> None:
    """With a model on it, which is the same afterwards."""
    command.json(*words, "--name", "earlier")
    kept = Command(command.home.with_name("kept"))
    command.home.rename(kept.home)
    command.home.mkdir()
    size = sum(path.stat().st_size for path in (kept.home / "registry").rglob("*") if path.is_file()) + (1 << 20)
    small = f'mount -t tmpfs -o size={size} tmpfs "$OFFICE31_HOME"; cp -r {kept.home}/registry "$OFFICE31_HOME"'
    same = f'diff -r {kept.home}/registry/models "$OFFICE31_HOME/registry/models"'
    done = command(*words, "--seed", "1", prelude=isolate("mounts", small, same))
    assert (done.code, "OFFICE31_HOME" in error(done)) == (1, True)


@isolating
@pytest.mark.fault(39, 81)
def test_a_home_that_cannot_be_written_is_told_and_can_be_read(command: Command, words: tuple[str, ...]) -> None:
    command.json(*words, "--name", "earlier")
    score = command.json("evaluate", "--split", "shop")
    before = {path: path.read_bytes() for path in command.home.rglob("*") if path.is_file()}
    bound = 'mount --bind "$OFFICE31_HOME" "$OFFICE31_HOME"; mount -o remount,bind,ro "$OFFICE31_HOME"'
    prelude = isolate("mounts", bound)
    done = command(*words, "--seed", "1", prelude=prelude)
    assert (done.code, "read-only" in error(done), "OFFICE31_HOME" in error(done)) == (1, True, True)
    assert command("models", "verify", prelude=prelude).code == 0
    assert command.json("evaluate", "--split", "shop", prelude=prelude) == score
    assert {path: path.read_bytes() for path in command.home.rglob("*") if path.is_file()} == before


@pytest.mark.fault(82)
def test_a_limit_on_file_sizes_is_told_and_nothing_is_half_written(command: Command, words: tuple[str, ...]) -> None:
    command.json(*words, "--name", "earlier")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))"
    done = command(*words, "--seed", "1", prelude=limited)
    assert (done.code, "ulimit -f" in error(done)) == (1, True)
    assert upkeep.verify(Registry(command.home / "registry")) == []
    assert [entry.name for entry in Registry(command.home / "registry").entries()] == ["earlier"]


@pytest.mark.fault(82)
def test_too_little_memory_suggests_a_smaller_batch(command: Command, words: tuple[str, ...]) -> None:
    prelude = """
from office31_cli.engine.loop import Training
def step(self, *_):
    import torch
    torch.empty(1 << 60)
Training.step = step
"""
    done = command(*words, prelude=prelude)
    assert (done.code, "--batch-size" in error(done)) == (1, True)


@pytest.mark.fault(71)
def test_a_part_without_photographs_is_no_score_of_nothing(command: Command, words: tuple[str, ...]) -> None:
    command.json(*words, "--held-out", "0")
    done = command("evaluate", "--split", "shop:test")
    assert (done.code, "no photographs" in error(done)) == (1, True)


@pytest.mark.fault(83)
def test_a_second_ctrl_c_does_not_wait(command: Command, words: tuple[str, ...]) -> None:
    prelude = """
import os, signal
from office31_cli.engine.loop import Training
def stuck(self, *_):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:  # tidying up for ever
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
Training._train_epoch = stuck
"""
    assert command(*words, prelude=prelude).code == -signal.SIGINT


@pytest.mark.fault(80)
def test_a_poor_terminal_and_no_locale_cut_nothing_short(command: Command, words: tuple[str, ...]) -> None:
    command.json(*words)
    poor = {"LANG": "C", "LC_ALL": "C", "TERM": "dumb", "COLUMNS": "20", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for line in (("models", "list"), ("models", "tree"), ("evaluate", "--split", "phone"), ("methods",), ("--help",)):
        code, out, err = command(*line, env=poor)
        assert (code, "Traceback" in err, bool(out)) == (0, False, True), err
