"""Registries whose writers are killed at random instants, and registries with many writers."""

import os
import random
import select
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from office31_cli.errors import Office31Error
from office31_cli.registry import Registry, upkeep
from tests.faults.figures import Figure
from tests.faults.operations import exit_code, in_child
from tests.helpers.small_models import make_card, safetensors_bytes

_A_REGISTRY = 100
"""Kills after which the next one begins with an empty registry: checking every byte takes longer as it grows."""


def killed_while_publishing(folder: Path, count: int, seed: int) -> Figure:
    """SIGKILL at a random instant of publishing: nothing is corrupt, and nothing that was published is gone."""
    draw, failures = random.Random(seed), 0
    for number in range(count):
        if number % _A_REGISTRY == 0:
            shutil.rmtree(folder, ignore_errors=True)
            published: set[str] = set()
        registry = Registry(folder / "registry")
        published |= _killed(lambda told, registry=registry: _publish_for_ever(registry, told), draw.uniform(0, 0.02))
        failures += _harmed(registry, published)
    return Figure(
        (51,), "registries after a random SIGKILL of their writer, corrupt or short of a model", count, failures, seed
    )


def publishers_at_once(folder: Path, processes: int, each: int) -> Figure:
    """So many processes publish so many models each: all are there, under names of their own."""
    children = [in_child(lambda: _publish(Registry(folder), each)) for _ in range(processes)]
    codes = [exit_code(child) for child in children]
    entries = Registry(folder).entries()
    names = {name for entry in entries for name in entry.names}
    wrong = sum(code != 0 for code in codes) + len(upkeep.verify(Registry(folder)))
    lost = processes * each - min(len(entries), len(names))
    return Figure(
        (60,), f"models of {processes} processes that publish {each} each, lost", processes * each, lost + wrong, 0
    )


def _publish(registry: Registry, count: int) -> None:
    for _ in range(count):
        registry.publish(make_card(), {"model.safetensors": safetensors_bytes(1.0)}, name=None, suggested="model")


def _publish_for_ever(registry: Registry, told: int) -> None:
    while True:
        entry = registry.publish(
            make_card(), {"model.safetensors": safetensors_bytes(1.0)}, name=None, suggested="model"
        )
        os.write(told, entry.id.encode())


def _killed(work: Callable[[int], None], after: float) -> set[str]:
    """The ids that `work` told of until it was killed, so many seconds after it had begun."""
    reading, writing = os.pipe()
    child = in_child(lambda: work(writing))
    os.close(writing)
    deadline, told = time.monotonic() + after, b""
    while (left := deadline - time.monotonic()) > 0 and select.select([reading], [], [], left)[0]:
        told += os.read(reading, 4096)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while block := os.read(reading, 4096):
        told += block
    os.close(reading)
    return {told[start : start + 16].decode() for start in range(0, len(told), 16)}


def _harmed(registry: Registry, published: set[str]) -> bool:
    try:
        whole = upkeep.verify(registry) == [] and registry.unreadable() == []
        upkeep.gc(registry)
        whole &= upkeep.verify(registry) == []
        there = {entry.id: entry.names for entry in registry.entries()}
    except Office31Error:
        return True
    return not (whole and published <= there.keys() and all(there[model] for model in published))
