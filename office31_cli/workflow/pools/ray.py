"""Jobs on a Ray cluster: each is a task of its own, and begun again on another node where its own is lost."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from office31_cli._version import __version__
from office31_cli.allocator import keep_freed_memory
from office31_cli.errors import Failed
from office31_cli.text import pluralize, printable
from office31_cli.workflow.pools.local import Job, JobFailure, Result, Work, run_job

TRIES = 3
"""A job whose worker or node was lost is begun so many times in all."""

_PATIENCE = 0.5
"""Seconds until Ctrl-C is answered."""

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    # Ray prints the death of a node to stdout, whatever `log_to_driver` is, unless the line is to be skipped.
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
"""What Ray reads from the environment when it is imported."""


def check_ray() -> None:
    """Raise `Failed` where Ray is not installed."""
    if find_spec("ray") is None:
        raise Failed("--on ray", "ray is not installed", "run: pip install 'office31-cli[ray]'")


def run_on_ray(
    work: "Work[Job, Result]", jobs: Sequence[Job], *, gpus: int = 0
) -> Iterator[tuple[Job, Result | JobFailure]]:
    """Run the jobs on a Ray cluster; yields each with its result as it ends. A job has one CPU and `gpus` GPUs.

    `work` goes into the object store once, so what all jobs share belongs into it, and the nodes need nothing else. A
    `JobFailure` stands for the result where a job raised an `Office31Error`, or its worker was lost `TRIES` times. Each
    job is yielded once, however often it was run.
    """
    if not jobs:
        return
    check_ray()
    with _connect() as ray:
        _check_room(ray, {"CPU": 1, "GPU": gpus})
        task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=TRIES - 1)(_run_task)
        shared = ray.put(work)
        running = {task.remote(shared, job, _versions()): job for job in jobs}
        try:
            while running:
                with _signals_deferred():
                    ended, _ = ray.wait(list(running), timeout=_PATIENCE)
                    found = [(running.pop(each), _receive(ray, each)) for each in ended]
                yield from found
        finally:
            for each in running:
                ray.cancel(each, force=True)


def count_job_slots(*, gpus: int = 0) -> int | None:
    """How many jobs a running cluster does at a time; None where none is running. Starts nothing.

    Raises `Failed` where nobody answers at RAY_ADDRESS, or the cluster has room for no job.
    """
    try:
        with _connect("auto") as ray:
            return _check_room(ray, {"CPU": 1, "GPU": gpus})
    except _NoCluster:
        return None


def _run_task(work: "Work[Job, Result]", job: Job, wanted: dict[str, str]) -> Result | JobFailure:
    """A job in one thread, as it has one CPU; left undone where its figures would be those of other software."""
    for name, theirs in _versions().items():
        if theirs != wanted[name]:
            return JobFailure(f"a node has {name} {theirs}, and not {wanted[name]}")
    import torch

    keep_freed_memory()
    torch.set_num_threads(1)
    return run_job(work, job)


def _versions() -> dict[str, str]:
    return {"office31": __version__, "torch": version("torch")}


def _receive(ray: Any, ended: Any) -> Any:
    """What came of a task, its own loss included."""
    try:
        return ray.get(ended)
    except ray.exceptions.RayTaskError as error:  # before its own code ran, such as for a package that a node lacks
        return JobFailure(f"on a node: {_last_line(error.cause)}")
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
        return JobFailure(f"its worker or node was lost {pluralize(TRIES, 'time')}")
    except ray.exceptions.RayError as error:
        return JobFailure(f"{type(error).__name__}: {_last_line(error)}")


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


@contextmanager
def _connect(address: str | None = None) -> Iterator[Any]:
    """Ray, for as long as it is needed; the caller's own connection where there is one.

    The cluster is that of RAY_ADDRESS, else the one that was started on this machine, else one for these jobs alone;
    with `auto` as the address, `_NoCluster` is raised in place of the last.
    """
    os.environ |= _QUIET
    import ray

    if ray.is_initialized():
        yield ray
        return
    _check_address(os.environ.get("RAY_ADDRESS", ""))
    try:
        with _sigterm_handler_kept():
            _init(ray, address)
        yield ray
    finally:
        ray.shutdown()


class _NoCluster(Failed):
    """No cluster is running."""


def _init(ray: Any, address: str | None) -> None:
    try:
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        kind = _NoCluster if isinstance(error, ConnectionError) else Failed
        raise kind("--on ray", f"no cluster: {_last_line(error)}", "try: ray stop; ray start --head") from error


def _check_address(address: str) -> None:
    """Raise `Failed` where nobody answers at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        return  # such as `auto`
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError):
        fix = "check RAY_ADDRESS, or unset it to use this machine"
        raise Failed("--on ray", f"no cluster answers at {printable(address)}", fix) from None


@contextmanager
def _sigterm_handler_kept() -> Iterator[None]:
    """What SIGTERM does stays as it is: Ray would have it end the process as if it were done."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Ctrl-C and SIGTERM take effect at the end: what a handler raises while Ray waits comes out as a fault of Ray."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    for number in came:
        signal.raise_signal(number)


def _check_room(ray: Any, needed: dict[str, int]) -> int:
    """How many jobs that need so much have room at a time; raises `Failed` where not even one has."""
    there = ray.cluster_resources()
    for name, count in needed.items():
        if there.get(name, 0) < count:
            raise Failed(
                "--on ray", f"the cluster has no {name}", f"add a node that has one: ray start --num-{name.lower()}s 1"
            )
    return min(int(there[name] // count) for name, count in needed.items() if count)
