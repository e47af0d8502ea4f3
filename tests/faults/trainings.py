"""Real trainings that are killed at random instants and repeated: they end with the bits of one that never stopped."""

import hashlib
import os
import random
import select
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from figures import Figure
from small_data import lay_out

from office31_cli.cli.main import main
from office31_cli.recipes import adaptation, training  # noqa: F401 - here, so that every child has them already
from office31_cli.registry import Registry

_SLOWEST = 120.0
"""Seconds after which a training that was not killed counts as hung."""

_COMMON = ("--batch-size", "8", "--device", "cpu", "--json")
_FRESH = ("pretrain", "--domain", "shop", "--backbone", "convnet", "--weights", "none", "--epochs", "4", *_COMMON)
LINES: dict[str, tuple[str, ...]] = {
    "SGD": (*_FRESH, "--train", "all", "--optimizer", "nesterov"),
    "AdamW": (*_FRESH, "--train", "all", "--optimizer", "adamw"),
    "a head on cached features": (*_FRESH, "--train", "head"),
    "adaptation with a discriminator": (
        *("adapt", "--target", "phone", "--method", "cdan", "--train", "head"),
        *("--epochs", "4", "--steps", "6", *_COMMON),
    ),
}


def killed_and_repeated(folder: Path, count: int, seed: int) -> Figure:
    """SIGKILL, up to twice, at instants drawn over the whole command; then the same command until it ends.

    Whatever was cut, decoding, features, an epoch, a checkpoint or the publishing, the weights' SHA-256 is that of
    the run that never stopped.
    """
    draw = random.Random(seed)
    things = lay_out(
        folder / "things", *(f"{domain}/{item}" for domain in ("shop", "phone") for item in "abc"), pictures=8
    )
    start = folder / "start"
    _finish(start, (*_FRESH, "--train", "head", "--data", str(things), "--seed", "7"))
    wanted, lasting = {}, {}
    for name, line in LINES.items():
        home = _copy(start, folder / "whole")
        began = time.monotonic()
        _finish(home, (*line, "--data", str(things)))
        wanted[name], lasting[name] = _newest(home), time.monotonic() - began
    failures = kills = 0
    for number in range(count):
        name = list(LINES)[number % len(LINES)]
        line = (*LINES[name], "--data", str(things))
        home = _copy(start, folder / "killed")
        for _ in range(draw.randint(1, 2)):
            kills += _killed(home, line, draw.uniform(0, lasting[name]))
        _finish(home, line)
        failures += _newest(home) != wanted[name]
    note = f"{kills:,} kills came before the end; {', '.join(LINES)}"
    return Figure((45, 83), "trainings that ended with other weights after SIGKILLs", count, failures, seed, note)


def _copy(start: Path, home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    return shutil.copytree(start, home)


def _newest(home: Path) -> str:
    """The SHA-256 of the weights that were stored last."""
    entry = Registry(home / "registry").entries()[0]
    return hashlib.sha256(entry.verified().read_bytes()).hexdigest()


def _finish(home: Path, line: Sequence[str]) -> None:
    child = _started(home, line)
    code = _waited(child, _SLOWEST)
    if code != 0:
        raise AssertionError(f"office31 {' '.join(line)} left with {code}")


def _killed(home: Path, line: Sequence[str], after: float) -> bool:
    """Whether the command was at work when it was killed after so many seconds."""
    return _waited(_started(home, line), after) == -signal.SIGKILL


def _waited(child: int, most: float) -> int:
    """The exit code of a child that gets so many seconds."""
    ended = os.pidfd_open(child)
    if not select.select([ended], [], [], most)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(ended)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _started(home: Path, line: Sequence[str]) -> int:
    """The command in a child that has torch imported already: importing it is most of a short training."""
    child = os.fork()
    if child:
        return child
    try:
        os.environ["OFFICE31_HOME"] = str(home)
        torch.set_num_threads(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        sys.argv = ["office31", *line]
        main()
    except SystemExit as left:
        os._exit(left.code if isinstance(left.code, int) else 1)
    finally:
        os._exit(1)
