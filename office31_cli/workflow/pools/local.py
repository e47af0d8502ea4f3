"""Jobs in several processes: one that dies costs the job that it had, and no other."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from office31_cli.errors import Office31Error
from office31_cli.text import pluralize

Job = TypeVar("Job")
Found = TypeVar("Found")

TRIES = 2
"""A job whose process was killed is begun so many times in all."""


@dataclass(frozen=True)
class NotDone:
    """Why a job has no result."""

    why: str


Work = Callable[[Job], Found]


def outcome(work: "Work[Job, Found]", job: Job) -> Found | NotDone:
    """What comes of a job: an error is one of them."""
    try:
        return work(job)
    except Office31Error as error:
        return NotDone(f"{error.what}: {error.why}")
    except Exception as error:
        return NotDone(f"unexpected {type(error).__name__}: {error}")


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: int | None = None
    """The number of the one that it is at."""
    knows: bool = False

    def told(self, work: "Work[Job, Any]", threads: int) -> Connection:
        """The way to the worker, who knows by then what to do with jobs: it is told only once it is there to listen."""
        if not self.knows:
            self.connection.send((work, threads))
            self.knows = True
        return self.connection


def in_processes(
    work: "Work[Job, Found]", jobs: Sequence[Job], *, count: int, threads: int
) -> Iterator[tuple[Job, Found | NotDone]]:
    """The jobs with what came of each, as they end; `count` processes of so many threads work on them.

    `work` is sent to each process once, so what all jobs share belongs into it. An `Office31Error` is what came of a
    job; so is, after `TRIES`, the death of its process.
    """
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    waiting, begun = list(reversed(range(len(jobs)))), [0] * len(jobs)
    workers: list[_Worker] = []

    def begin(place: int) -> None:
        number = waiting.pop()
        begun[number] += 1
        try:
            workers[place].told(work, threads).send(jobs[number])
        except OSError:  # it has died since it was hired, or done with its last job
            workers[place] = hire()
            workers[place].told(work, threads).send(jobs[number])
        workers[place].job = number

    def hire() -> _Worker:
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _deaf_to_interrupts():
            process.start()
        theirs.close()  # so that the end of one side shows on the other
        return _Worker(process, ours)

    try:
        workers = [hire() for _ in range(min(count, len(jobs)))]
        for place in range(len(workers)):
            begin(place)
        while busy := [worker for worker in workers if worker.job is not None]:
            ready = wait([worker.connection for worker in busy])
            for worker in [worker for worker in busy if worker.connection in ready]:
                number, worker.job = worker.job, None
                assert number is not None
                found = _received(worker)
                if isinstance(found, _Died):
                    workers[workers.index(worker)] = hire()
                    if begun[number] < TRIES:
                        waiting.append(number)
                    else:
                        yield jobs[number], NotDone(f"its process was killed {pluralize(TRIES, 'time')} ({found.how})")
                else:
                    yield jobs[number], found
                idle = [place for place, each in enumerate(workers) if each.job is None]
                for place in idle[: len(waiting)]:
                    begin(place)
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.connection.close()


@dataclass(frozen=True)
class _Died:
    how: str


def _received(worker: _Worker) -> Any:
    """What the worker says of its job, or that it has died over it."""
    try:
        return worker.connection.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        return _Died(f"exit {worker.process.exitcode}")


def _end_with_the_first() -> None:
    """A job goes on for minutes, though the process that would keep what comes of it was killed."""
    first = multiprocessing.parent_process()
    if first is not None:
        wait([first.sentinel])
        os._exit(1)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal, and the first alone is to answer it: others inherit this."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _serve(connection: Connection) -> None:
    """Work until the other side is gone."""
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    try:
        work, threads = connection.recv()
        import torch

        torch.set_num_threads(threads)
        while True:
            connection.send(outcome(work, connection.recv()))
    except (EOFError, OSError):
        return
