"""This process's place among those that torchrun started. Imports no torch, so that usage errors show at once."""

import os
import signal

from office31_cli.errors import Misuse
from office31_cli.observer import SILENT, Observer

_TORCHRUN_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""The variables that torchrun sets for each process; where only some are set, this is a single process."""

_REPORT_SECONDS = 20
"""Seconds that a silent process waits for the one that reports the error, which may still be importing."""

_silent: bool | None = None


def count() -> int:
    """The number of processes that train one model together; 1 unless torchrun started them."""
    return _read_number("WORLD_SIZE", 1) if all(name in os.environ for name in _TORCHRUN_VARIABLES) else 1


def rank() -> int:
    """The number of this process among all; only process 0 prints and stores."""
    return _read_number("RANK", 0) if count() > 1 else 0


def local_rank() -> int:
    """The number of this process on its machine, which is also the number of its device."""
    return _read_number("LOCAL_RANK", rank()) if count() > 1 else 0


def listen_on_first(observer: Observer) -> Observer:
    """The observer in the first process, a silent one in the others."""
    return observer if rank() == 0 else SILENT


def check_single_process(what: str) -> None:
    """Raise `Misuse` where torchrun started several processes, for a command that one process runs alone."""
    if count() > 1:
        raise Misuse(
            what, f"it is not shared among the {count()} processes that torchrun started", "run it without torchrun"
        )


def set_silent(silent: bool) -> None:
    """Set whether another process reports the error, so that this one prints none."""
    global _silent  # noqa: PLW0603
    _silent = silent


def is_silent() -> bool:
    """Whether another process reports the error; before `set_silent`, the first process does."""
    return rank() > 0 if _silent is None else _silent


def wait_for_report() -> None:
    """Wait, in a silent process, until torchrun ends it or some seconds have passed.

    As soon as one process ends torchrun ends all others, which could include the one that reports the error.
    """
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    signal.sigtimedwait(signals, _REPORT_SECONDS)


def _read_number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
