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

from office31_cli.__main__ import main
from office31_cli.registry import Registry
from office31_cli.workflow import adapt_run, training  # noqa: F401 - here, so that every child has them already
from tests.faults.figures import Figure
from tests.helpers.small_data import lay_out

_SLOWEST = 300.0
"""Seconds after which a training that was not stopped counts as hung."""

_STOPS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130, signal.SIGTERM: 143}
"""What a command leaves with that is stopped by each signal."""

_PATIENCE = 10.0
"""Seconds within which it is to leave."""

_SOONEST = 0.01
"""Seconds that a child needs to begin listening to signals."""

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
    "fine-tuning with a penalty and early stopping": (
        *("finetune", "--target", "phone", "--strategy", "l2-sp", "--train", "all", "--patience", "3"),
        *("--epochs", "4", *_COMMON),
    ),
}


def killed_and_repeated(folder: Path, count: int, seed: int) -> Figure:
    """SIGKILL, SIGINT or SIGTERM, up to twice, at instants drawn over the whole command; then the same until it ends.

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
    failures = stops = 0
    for number in range(count):
        name = list(LINES)[number % len(LINES)]
        line = (*LINES[name], "--data", str(things))
        home = _copy(start, folder / "killed")
        left = [_stopped(home, line, draw.uniform(_SOONEST, lasting[name]), draw.choice(list(_STOPS)))]
        left += [_stopped(home, line, draw.uniform(_SOONEST, lasting[name]), signal.SIGKILL)] * (draw.random() < 0.5)
        _finish(home, line)
        stops += sum(code != 0 for code in left)
        failures += _newest(home) != wanted[name] or not set(left) <= {0, *_STOPS.values()}
    note = f"{stops:,} stops by SIGKILL, SIGINT or SIGTERM came before the end; {', '.join(LINES)}"
    what = "trainings that were stopped at random instants and repeated, and ended with other weights or exit codes"
    return Figure((45, 83), what, count, failures, seed, note)


def _copy(start: Path, home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    return shutil.copytree(start, home)


def _newest(home: Path) -> str:
    """The SHA-256 of the weights that were stored last."""
    entry = Registry(home / "registry").entries()[0]
    return hashlib.sha256(entry.verified_path().read_bytes()).hexdigest()


def _finish(home: Path, line: Sequence[str]) -> None:
    child = _started(home, line)
    code = _waited(child, _SLOWEST)
    if code != 0:
        raise AssertionError(f"office31 {' '.join(line)} left with {code}")


def _stopped(home: Path, line: Sequence[str], after: float, by: signal.Signals) -> int:
    """The exit code of a command that gets a signal after so many seconds, unless it has ended before."""
    child = _started(home, line)
    ended = os.pidfd_open(child)
    if not select.select([ended], [], [], after)[0]:
        os.kill(child, by)
    os.close(ended)
    return _waited(child, _PATIENCE)


def _waited(child: int, most: float) -> int:
    """The exit code of a child that gets so many seconds; after that it is killed, and none of the right ones."""
    ended = os.pidfd_open(child)
    late = not select.select([ended], [], [], most)[0]
    if late:
        os.kill(child, signal.SIGKILL)
    os.close(ended)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return -signal.SIGALRM if late else code


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
