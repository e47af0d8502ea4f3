"""Processes that die, disks that fail and neighbours that write: what was stored stays, what is seen is whole."""

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_models import make_card, safetensors_bytes

from office31_cli import storage
from office31_cli.registry import Registry, bundle, upkeep

Act = Callable[[Registry], object]


def publish(registry: Registry, name: str | None = None, *parents: str) -> None:
    card = make_card(parents=tuple(registry.find(parent).as_parent("start") for parent in parents))
    files = {"model.safetensors": safetensors_bytes(1.0), "seen.json": b"[]"}
    registry.publish(card, files, name=name, suggested="model")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with a model, its child, a removed one, and an exported one that it does not hold."""
    root = tmp_path_factory.mktemp("template") / "registry"
    registry = Registry(root)
    publish(registry, "first")
    publish(registry, "child", "first")
    publish(registry, "gone")
    upkeep.remove(registry, "gone")
    bundle.export(registry.find("child"), root.with_name("bundle.safetensors"), overwrite=True)
    upkeep.remove(registry, "child")
    publish(registry, "child", "first")
    return root.parent


def copied(template: Path, target: Path) -> Registry:
    return Registry(shutil.copytree(template, target) / "registry")


ACTS: dict[str, Act] = {
    "publish": lambda registry: publish(registry, "new"),
    "rename": lambda registry: upkeep.rename(registry, "first", "new"),
    "remove": lambda registry: upkeep.remove(registry, "child"),
    "force": lambda registry: upkeep.remove(registry, "first", force=True),
    "gc": upkeep.gc,
    "import": lambda registry: bundle.import_model(
        registry, registry.layout.root.with_name("bundle.safetensors"), name="new"
    ),
}


def seen(registry: Registry) -> list[tuple[tuple[str, ...], int]]:
    """What a user sees: each model's names and how many came from it."""
    registry = Registry(registry.layout.root)
    assert registry.unreadable() == []
    return sorted((entry.names, len(registry.children(entry.id))) for entry in registry.entries())


class StoppingAt:
    """A hook that does `how` at the n-th operation."""

    def __init__(self, operation: int, how: Callable[[Path], None]) -> None:
        self.left, self.how = operation, how

    def __call__(self, name: str, path: Path) -> None:
        self.left -= 1
        if self.left == 0:
            self.how(path)

    @property
    def reached(self) -> bool:
        return self.left <= 0


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a child process and return its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.fault(52)
def test_a_kill_at_any_operation_leaves_the_earlier_or_the_new_state(template: Path, tmp_path: Path, act: str) -> None:
    operation, code = 0, 9
    while code == 9:
        operation += 1
        registry = copied(template, tmp_path / str(operation))
        before = seen(registry)

        def work(registry: Registry = registry, operation: int = operation) -> None:
            storage.before_operation = StoppingAt(operation, lambda path: os._exit(9))
            ACTS[act](registry)

        code = exit_code(in_child(work))
        after = seen(registry)
        assert upkeep.verify(registry) == []
        upkeep.gc(registry)
        assert seen(registry) == after
        assert upkeep.verify(registry) == []
        assert {path.name for path in registry.layout.refs.iterdir()} == set(registry.layout.names())
        if after == before:
            ACTS[act](registry)  # nothing stands in the way of another try
    assert code == 0
    assert (seen(registry) != before) == (act != "gc")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.fault(52)
def test_a_failing_disk_leaves_the_earlier_or_the_new_state(
    template: Path, tmp_path: Path, act: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    registry = copied(template, tmp_path / "finished")
    before = seen(registry)
    ACTS[act](registry)
    finished = seen(registry)
    reached, operation = True, 0
    while reached:
        operation += 1
        registry = copied(template, tmp_path / str(operation))
        hook = StoppingAt(operation, fail)
        with monkeypatch.context() as patched, contextlib.suppress(OSError):
            patched.setattr(storage, "before_operation", hook)
            ACTS[act](registry)
        reached = hook.reached
        assert seen(registry) in (before, finished)
        assert upkeep.verify(registry) == []
    assert seen(registry) == finished


def publish_ten(registry: Registry) -> None:
    for _ in range(10):
        publish(registry)


def test_eight_publishers_lose_nothing(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    children = [in_child(lambda: publish_ten(Registry(registry.layout.root))) for _ in range(8)]
    assert [exit_code(child) for child in children] == [0] * 8
    assert len(registry.entries()) == 80
    assert len({entry.card.created for entry in registry.entries()}) == 80
    assert sorted(registry.layout.names()) == sorted(["model", *(f"model-{number}" for number in range(2, 81))])
    assert upkeep.verify(registry) == []


@pytest.mark.fault(61)
def test_nothing_is_lost_or_half_seen_beside_gc_list_and_verify(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    running = {in_child(lambda: publish_ten(Registry(registry.layout.root))) for _ in range(3)}
    while running:
        done, status = os.waitpid(-1, os.WNOHANG)
        if done in running:
            running.remove(done)
            assert status == 0
        upkeep.gc(registry)
        assert upkeep.verify(registry) == []
        assert all(entry.names for entry in registry.entries())
    assert len(registry.entries()) == 30


@pytest.mark.fault(62)
def test_of_many_that_move_one_name_one_does(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    publish(registry, "first")
    children = [
        in_child(lambda name=f"to-{number}": upkeep.rename(Registry(registry.layout.root), "first", name))
        for number in range(8)
    ]
    assert sorted(exit_code(child) for child in children) == [0] + [1] * 7
    assert len(registry.entries()[0].names) == 1


@pytest.mark.fault(44)
def test_workers_that_did_the_same_job_store_one_model(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")

    def work() -> None:
        content = {"model.safetensors": safetensors_bytes(1.0)}
        Registry(registry.layout.root).publish(make_card(job="a-w-0"), content, name=None, suggested="model")

    assert [exit_code(child) for child in [in_child(work) for _ in range(8)]] == [0] * 8
    assert [entry.names for entry in registry.entries()] == [("model",)]
