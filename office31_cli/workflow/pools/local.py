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

from office31_cli.allocator import keep_freed_memory
from office31_cli.errors import Office31Error
from office31_cli.text import pluralize

Job = TypeVar("Job")
Result = TypeVar("Result")

TRIES = 2
"""A job whose process was killed is begun so many times in all."""


@dataclass(frozen=True)
class JobFailure:
    """Why a job has no result."""

    why: str


Work = Callable[[Job], Result]


def run_job(work: "Work[Job, Result]", job: Job) -> Result | JobFailure:
    """What comes of a job: an error is one of them."""
    try:
        return work(job)
    except Office31Error as error:
        return JobFailure(str(error))
    except Exception as error:
        return JobFailure(f"unexpected {type(error).__name__}: {error}")


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: int | None = None
    """The number of the one that it is at."""
    knows: bool = False

    def open_connection(self, work: "Work[Job, Any]", threads: int) -> Connection:
        """The connection to the worker, over which the work that all jobs share is sent once."""
        if not self.knows:
            self.connection.send((work, threads))
            self.knows = True
        return self.connection


def run_in_processes(
    work: "Work[Job, Result]", jobs: Sequence[Job], *, count: int, threads: int
) -> Iterator[tuple[Job, Result | JobFailure]]:
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
            workers[place].open_connection(work, threads).send(jobs[number])
        except OSError:  # it has died since it was hired, or done with its last job
            workers[place] = hire()
            workers[place].open_connection(work, threads).send(jobs[number])
        workers[place].job = number

    def hire() -> _Worker:
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _interrupts_blocked():
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
                found = _receive(worker)
                if isinstance(found, _ProcessDied):
                    workers[workers.index(worker)] = hire()
                    if begun[number] < TRIES:
                        waiting.append(number)
                    else:
                        yield (
                            jobs[number],
                            JobFailure(f"its process was killed {pluralize(TRIES, 'time')} ({found.how})"),
                        )
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
class _ProcessDied:
    how: str


def _receive(worker: _Worker) -> Any:
    """What the worker says of its job, or that it has died over it."""
    try:
        return worker.connection.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        return _ProcessDied(f"exit {worker.process.exitcode}")


def _exit_with_parent() -> None:
    """End this process when its parent dies: its job would run for minutes, and nobody would keep the result."""
    first = multiprocessing.parent_process()
    if first is not None:
        wait([first.sentinel])
        os._exit(1)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal, and the first alone is to answer it: others inherit this."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _serve(connection: Connection) -> None:
    """Work until the other side is gone."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        work, threads = connection.recv()
        import torch

        keep_freed_memory()
        torch.set_num_threads(threads)
        while True:
            connection.send(run_job(work, connection.recv()))
    except (EOFError, OSError):
        return
