"""Jobs in processes of their own: what comes back, and what the death of one costs."""

import os
import signal
from pathlib import Path

import pytest

from office31_cli.errors import Failed
from office31_cli.workflow.pools.local import JobFailure, run_in_processes


class Square:
    """Squares a number; refuses negative ones, and dies over 13 as often as there is no file yet that says so."""

    def __init__(self, folder: Path, deaths: int) -> None:
        self.folder, self.deaths = folder, deaths

    def __call__(self, number: int) -> int:
        if number < 0:
            raise Failed(f"number {number}", "it is negative", "use another")
        if number == 13 and len(list(self.folder.iterdir())) < self.deaths:
            (self.folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number


class DiesEveryOtherTime:
    """Names a word's length, and dies whenever the number of files that say so is even."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, word: str) -> int:
        calls = len(list(self.folder.iterdir()))
        (self.folder / str(calls)).touch()
        if calls % 2 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return len(word)


def test_every_job_comes_back_once_with_what_came_of_it(tmp_path: Path) -> None:
    found = list(run_in_processes(Square(tmp_path, 0), [3, -1, 4], count=2, threads=1))
    assert dict(found) == {3: 9, -1: JobFailure("number -1: it is negative; use another"), 4: 16}
    assert len(found) == 3


@pytest.mark.fault(42)
def test_a_killed_process_is_replaced_and_its_job_begun_again(tmp_path: Path) -> None:
    found = list(run_in_processes(Square(tmp_path, 1), [13, 2, 3], count=2, threads=1))
    assert sorted(found) == [(2, 4), (3, 9), (13, 169)]


@pytest.mark.fault(42)
def test_a_job_that_kills_every_process_is_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    found = dict(run_in_processes(Square(tmp_path, 9), [13, 2, 3], count=1, threads=1))
    assert (found[2], found[3]) == (4, 9)
    assert found[13] == JobFailure("its process was killed 2 times (exit -9)")


def test_the_same_job_twice_is_two_jobs_each_begun_again_by_itself(tmp_path: Path) -> None:
    job = "twice"
    assert list(run_in_processes(DiesEveryOtherTime(tmp_path), [job, job], count=1, threads=1)) == [(job, 5), (job, 5)]
