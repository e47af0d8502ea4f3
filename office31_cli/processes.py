"""Which of the processes that torchrun started this one is. Imports no torch, so that usage errors are told at once."""

import os
import signal

from office31_cli.errors import Misuse
from office31_cli.observer import SILENT, Observer

_TOLD = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun sets for each process; a cluster that sets some of them only has started one."""

_PATIENCE = 20
"""Seconds that a process which keeps silent leaves to the one that tells; it may still be importing."""

_silent: bool | None = None


def count() -> int:
    """How many processes work together on one model; 1 unless torchrun started them."""
    return _number("WORLD_SIZE", 1) if all(name in os.environ for name in _TOLD) else 1


def rank() -> int:
    """This one's number among them; 0 is the first, which alone prints and stores."""
    return _number("RANK", 0) if count() > 1 else 0


def local_rank() -> int:
    """Its number among those of this machine, which is that of its device."""
    return _number("LOCAL_RANK", rank()) if count() > 1 else 0


def listen_on_first(observer: Observer) -> Observer:
    """The observer in the first process; in the others nobody listens."""
    return observer if rank() == 0 else SILENT


def check_single_process(what: str) -> None:
    """Raise `Misuse` where several processes would each do the same."""
    if count() > 1:
        raise Misuse(
            what, f"it is not shared among the {count()} processes that torchrun started", "run it without torchrun"
        )


def set_silent(silent: bool) -> None:
    """Settle whether another process tells of what goes wrong."""
    global _silent  # noqa: PLW0603
    _silent = silent


def is_silent() -> bool:
    """Whether another process tells of what goes wrong: until they can settle it, the first one does."""
    return rank() > 0 if _silent is None else _silent


def wait_for_report() -> None:
    """Before a silent process ends: torchrun then ends all others, the one that tells included, as soon as it sees."""
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    signal.sigtimedwait(ends, _PATIENCE)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def cores() -> int:
    """The processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
