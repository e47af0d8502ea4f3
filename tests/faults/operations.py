"""Changes to a registry that are stopped at each of their operations on the disk."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from office31_cli import storage
from office31_cli.registry import Registry, bundle, upkeep
from tests.faults.figures import Figure
from tests.helpers.small_models import make_card, safetensors_bytes

Act = Callable[[Registry], object]
Seen = list[tuple[tuple[str, ...], int]]

ERRORS = (errno.ENOSPC, errno.EIO)
_KILLED = 9


def publish(registry: Registry, name: str | None = None, *parents: str) -> None:
    card = make_card(parents=tuple(registry.find(parent).as_parent("start") for parent in parents))
    files = {"model.safetensors": safetensors_bytes(1.0), "seen.json": b"[]"}
    registry.publish(card, files, name=name, suggested="model")


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


def make_template(folder: Path) -> Path:
    """A registry with a model, its child, a removed one, and an exported one that it does not hold."""
    registry = Registry(folder / "registry")
    publish(registry, "first")
    publish(registry, "child", "first")
    publish(registry, "gone")
    upkeep.remove(registry, "gone")
    bundle.export(registry.find("child"), folder / "bundle.safetensors", overwrite=True)
    upkeep.remove(registry, "child")
    publish(registry, "child", "first")
    return folder


@dataclass(frozen=True)
class Stopped:
    """What a stop at one operation led to: empty `wrong` where all is as it must be."""

    operation: int
    wrong: str


def stopped_by_a_kill(template: Path, folder: Path, act: str) -> list[Stopped]:
    """The process dies just before its n-th operation, for every n: the earlier state or the new one, never neither."""
    found: list[Stopped] = []
    while True:
        registry = _copied(template, folder)
        before = seen(registry)
        hook = StoppingAt(len(found) + 1, lambda _: os._exit(_KILLED))
        code = exit_code(in_child(partial(_acting, registry, act, hook)))
        after = seen(registry)
        found.append(Stopped(len(found) + 1, _wrong_after_kill(registry, act, before, after)))
        if code != _KILLED:
            last = "" if code == 0 and (after != before) == (act != "gc") else f"left with {code}, and {after}"
            return [*found[:-1], Stopped(len(found), found[-1].wrong or last)]


def stopped_by_an_error(template: Path, folder: Path, act: str, number: int) -> list[Stopped]:
    """The n-th operation fails, for every n: the earlier state or the new one."""

    def fail(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    registry = _copied(template, folder)
    before = seen(registry)
    ACTS[act](registry)
    finished, found = seen(registry), list[Stopped]()
    while True:
        registry = _copied(template, folder)
        hook = StoppingAt(len(found) + 1, fail)
        try:
            _acting(registry, act, hook)
        except OSError:
            pass
        finally:
            storage.before_operation = _nothing
        wrong = "" if seen(registry) in (before, finished) and upkeep.verify(registry) == [] else "neither state"
        found.append(Stopped(len(found) + 1, wrong))
        if not hook.reached:
            return found


def every_operation(folder: Path) -> Figure:
    """Every change of a registry x every operation x {kill, ENOSPC, EIO}."""
    folder.mkdir(parents=True)
    template = make_template(folder / "template")
    found: list[Stopped] = []
    for act in ACTS:
        found += stopped_by_a_kill(template, folder / "copy", act)
        for number in ERRORS:
            found += stopped_by_an_error(template, folder / "copy", act, number)
    wrong = sum(bool(each.wrong) for each in found)
    return Figure((52,), "operations stopped by a kill, ENOSPC or EIO that left neither state", len(found), wrong, 0)


def seen(registry: Registry) -> Seen:
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


_nothing = storage.before_operation


def _copied(template: Path, target: Path) -> Registry:
    shutil.rmtree(target, ignore_errors=True)
    return Registry(shutil.copytree(template, target) / "registry")


def _acting(registry: Registry, act: str, hook: StoppingAt) -> None:
    storage.before_operation = hook
    ACTS[act](registry)


def _wrong_after_kill(registry: Registry, act: str, before: Seen, after: Seen) -> str:
    if upkeep.verify(registry):
        return "verify finds a problem"
    upkeep.gc(registry)
    if seen(registry) != after or upkeep.verify(registry):
        return "gc changed what is seen"
    if {path.name for path in registry.layout.refs.iterdir()} != set(registry.layout.names()):
        return "a name is left over"
    if after == before:
        ACTS[act](registry)  # nothing stands in the way of another try
    return ""
