"""Jobs on a Ray cluster of two nodes: what comes back, what the loss of a node costs, and what a node needs."""

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from office31_cli import methods, paths
from office31_cli.data.photographs import Photographs
from office31_cli.engine.settings import Settings
from office31_cli.errors import Failed
from office31_cli.recipes.benchmark.cells import BenchmarkSetup, Job
from office31_cli.recipes.benchmark.item_split import ItemPlan, TaskItems
from office31_cli.workflow.pools import ray as module
from office31_cli.workflow.pools.local import JobFailure
from office31_cli.workflow.pools.ray import TRIES, run_on_ray
from tests.helpers.real_command import Command
from tests.helpers.small_training import make_things
from tests.helpers.tiny_adaptation import COUNTS, ITEMS, inputs
from tests.helpers.tiny_training import CPU

ray = pytest.importorskip("ray")
ray_cluster = pytest.importorskip("ray.cluster_utils")

SMALL = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    """A cluster of one node, which outlives the tests."""
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory(prefix="ray") as folder:
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patched.setenv("RAY_TMPDIR", folder)  # which pytest's own would make too long for a socket's address
        patched.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # where the jobs of these tests lie
        started = ray_cluster.Cluster(initialize_head=True, head_node_args=SMALL)
        patched.setenv("RAY_ADDRESS", started.address)
        yield started
        started.shutdown()


@pytest.fixture
def cluster(running: Any) -> Any:
    """The cluster, when it knows of the loss of what an earlier test took away."""
    running.wait_for_nodes()
    return running


@dataclass
class Square:
    """Squares a number; refuses negative ones, and dies over 13 as often as there is no file yet that says so."""

    folder: Path
    deaths: int = 0

    def __call__(self, number: int) -> int:
        if number < 0:
            raise Failed(f"number {number}", "it is negative", "use another")
        if number == 0:
            raise ZeroDivisionError("of nothing")
        if number == 13 and len(list(self.folder.iterdir())) < self.deaths:
            (self.folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number


@dataclass
class KilledWhenDone:
    """Squares a number and notes by whom; the first worker that did is killed so many seconds later."""

    folder: Path
    seconds: float

    def __call__(self, number: int) -> int:
        first = not list(self.folder.iterdir())
        (self.folder / str(os.getpid())).touch()
        if first:
            killing = threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGKILL))
            killing.start()
            if not self.seconds:
                killing.join()
        return number * number


@dataclass
class Endless:
    """Never ends; where it began is noted in a folder."""

    folder: Path

    def __call__(self, number: int) -> None:
        (self.folder / str(number)).touch()
        time.sleep(600)


@pytest.mark.usefixtures("cluster")
class TestJobs:
    def test_every_job_comes_back_once_though_its_worker_was_killed(self, tmp_path: Path) -> None:
        found = list(run_on_ray(Square(tmp_path, deaths=1), [3, -1, 13, 0, 4]))
        unexpected = JobFailure("unexpected ZeroDivisionError: of nothing")
        assert dict(found) == {
            3: 9,
            -1: JobFailure("number -1: it is negative; use another"),
            13: 169,
            0: unexpected,
            4: 16,
        }
        assert len(found) == 5
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_job_that_kills_every_worker_is_given_up_and_the_others_are_done(self, tmp_path: Path) -> None:
        found = dict(run_on_ray(Square(tmp_path, deaths=99), [13, 2]))
        assert found == {2: 4, 13: JobFailure(f"its worker or node was lost {TRIES} times")}
        assert len(list(tmp_path.iterdir())) == TRIES

    @pytest.mark.fault(44)
    @pytest.mark.parametrize(("seconds", "workers"), [(0.0, 2), (1.0, 1)])
    def test_a_worker_that_is_killed_when_its_job_is_done_leaves_one_result(
        self, tmp_path: Path, seconds: float, workers: int
    ) -> None:
        found = run_on_ray(KilledWhenDone(tmp_path, seconds), [3])
        assert next(found) == (3, 9)
        (first, *_) = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        while Path("/proc", first.name).exists():
            time.sleep(0.1)
        assert list(found) == []
        assert len(list(tmp_path.iterdir())) == workers

    def test_ctrl_c_is_answered_while_jobs_go_on(self, tmp_path: Path) -> None:
        def press() -> None:
            while not list(tmp_path.iterdir()):
                time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=press).start()
        with pytest.raises(KeyboardInterrupt):
            list(run_on_ray(Endless(tmp_path), [1, 2]))
        assert not ray.is_initialized()

    def test_one_who_stops_listening_is_disconnected_and_keeps_what_sigterm_does(self, tmp_path: Path) -> None:
        before = signal.getsignal(signal.SIGTERM)
        found = run_on_ray(Square(tmp_path), [1, 2, 3])
        next(found)
        assert signal.getsignal(signal.SIGTERM) is before
        found.close()  # type: ignore[attr-defined]
        assert not ray.is_initialized()


def test_a_node_with_other_software_is_told_of(tmp_path: Path) -> None:
    ours = module._versions()
    found = module._run_task(Square(tmp_path), 3, ours | {"torch": "1.0"})
    assert found == JobFailure(f"a node has torch {ours['torch']}, and not 1.0")


def tiny_setup() -> BenchmarkSetup:
    """Two tasks on the features of `tiny_adaptation`, whose files it leaves behind."""
    photographs = {
        name: Photographs(
            name,
            Path("/nowhere"),
            tuple(f"{number}.jpg" for number in range(count)),
            np.arange(count) % ITEMS,
            tuple(f"{place}{number:063}" for number in range(count)),
            np.arange(count),
        )
        for place, (name, count) in enumerate(zip("abc", COUNTS, strict=True))
    }
    names = tuple(map(str, range(ITEMS)))
    return BenchmarkSetup(
        tasks={"A-B": ("a", "b"), "C-A": ("c", "a")},
        methods={name: methods.load(name)() for name in ("erm", "mcc", "shot")},
        steps=4,
        validator="im",
        names=names,
        items=ItemPlan("closed", {task: TaskItems(names, names) for task in ("A-B", "C-A")}),
        photographs=photographs,
        inputs=inputs(),
        settings=Settings(epochs=2, batch_size=8, optimizer="nesterov", lr=0.05, seed=0),
        device=CPU,
    )


@dataclass
class Doomed:
    """A bench whose jobs never end on one of the nodes; where they began is noted in a folder."""

    setup: BenchmarkSetup
    node: str
    notes: Path

    def __call__(self, job: Job) -> Any:
        node = ray.get_runtime_context().get_node_id()
        (self.notes / f"{node} {job.seed} {job.methods[0]}").touch()
        while node == self.node:
            time.sleep(1)
        return self.setup(job)


@pytest.mark.fault(44)
def test_a_node_is_lost_in_the_middle_and_every_figure_is_there_once(cluster: Any, tmp_path: Path) -> None:
    setup = tiny_setup()
    jobs = [Job(seed, names) for seed in (0, 1) for names in (("erm", "shot"), ("mcc",))]
    expected = {job: setup(job) for job in jobs}
    setup.sources.clear()
    shutil.rmtree(paths.cache_home())  # what another machine lacks
    second = cluster.add_node(**SMALL)
    (notes := tmp_path / "notes").mkdir()

    def lose() -> None:
        while not list(notes.glob(f"{second.node_id} *")):
            time.sleep(0.1)
        cluster.remove_node(second, allow_graceful=False)

    loss = threading.Thread(target=lose)
    loss.start()
    found = list(run_on_ray(Doomed(setup, second.node_id, notes), jobs))
    loss.join()
    assert len(found) == len(jobs)
    assert {job: figures(each) for job, each in found} == {job: figures(each) for job, each in expected.items()}
    begun = sorted(path.name.split(" ", 1) for path in notes.iterdir())
    assert len(begun) == len(jobs) + 1
    assert len([node for node, _ in begun if node == second.node_id]) == 1


def figures(found: Any) -> Any:
    """By method and task, without the seconds."""
    assert not isinstance(found, JobFailure), found
    return {
        name: {task: {key: value for key, value in each.items() if key != "seconds"} for task, each in tasks.items()}
        for name, tasks in found.items()
    }


@pytest.fixture
def words(tmp_path: Path) -> tuple[str | Path, ...]:
    things = make_things(tmp_path / "things", "shop", "phone")
    quick = ("--backbone", "convnet", "--weights", "none", "--steps", "5", "--epochs", "2", "--batch-size", "8")
    return "benchmark", "--data", things, *quick, "--methods", "erm,mcc", "--seeds", "0,1"


@pytest.mark.usefixtures("cluster")
def test_the_command_prints_the_same_figures(words: tuple[str | Path, ...], tmp_path: Path) -> None:
    run = Command(tmp_path / "home")
    here = run.json(*words, "--jobs", "1")
    code, out, err = run(*words, "--on", "ray", "--json")
    assert (code, err) == (0, "")
    for ours, theirs in zip(here["rows"], json.loads(out)["rows"], strict=True):
        assert ours | {"seconds": 0} == theirs | {"seconds": 0}


def test_the_plan_is_that_of_the_running_cluster(cluster: Any, words: tuple[str | Path, ...], tmp_path: Path) -> None:
    run = Command(tmp_path / "home")
    plan = run.json(*words, "--on", "ray", "--dry-run")
    assert (plan["on"], plan["cluster"], plan["jobs"]) == ("ray", True, 1)
    second = cluster.add_node(**SMALL | {"num_cpus": 2})
    assert run.json(*words, "--on", "ray", "--dry-run")["jobs"] == 3
    cluster.remove_node(second)


_NONE_RUNNING = """
import ray
def init(address=None, **_):
    assert address == "auto"
    raise ConnectionError("none")
ray.init = init
"""


def test_where_no_cluster_is_running_the_plan_is_this_machines_and_starts_none(
    words: tuple[str | Path, ...], tmp_path: Path
) -> None:
    """Other tests' clusters may be running on this machine, so Ray finds none by the test's own doing."""
    code, out, err = Command(tmp_path / "home")(*words, "--on", "ray", "--dry-run", prelude=_NONE_RUNNING)
    assert (code, err) == (0, "")
    assert "of this machine, as no Ray cluster is running" in out


def test_what_cannot_be_is_told_in_one_line(words: tuple[str | Path, ...], tmp_path: Path) -> None:
    run = Command(tmp_path / "home")
    assert run(*words, "--on", "rya")[::2] == (2, "error: --on rya: no such place; did you mean ray?\n")
    assert run(*words, "--on", "ray", "--jobs", "2")[::2] == (
        2,
        "error: --jobs 2: a Ray cluster has a job on each of its CPUs; leave it out with --on ray\n",
    )
    assert run(*words, "--on", "ray", prelude="import sys; sys.modules['ray'] = None")[::2] == (
        1,
        "error: --on ray: ray is not installed; run: pip install 'office31-cli[ray]'\n",
    )
    for more in ((), ("--dry-run",)):
        assert run(*words, "--on", "ray", *more, env={"RAY_ADDRESS": "127.0.0.1:1"})[::2] == (
            1,
            "error: --on ray: no cluster answers at 127.0.0.1:1; check RAY_ADDRESS, or unset it to use this machine\n",
        )
