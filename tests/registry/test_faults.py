"""Processes that die, disks that fail and neighbours that write: what was stored stays, what is seen is whole."""

import os
from pathlib import Path

import pytest

from office31_cli.registry import Registry, upkeep
from tests.faults.operations import (
    ACTS,
    ERRORS,
    exit_code,
    in_child,
    make_template,
    publish,
    stopped_by_a_kill,
    stopped_by_an_error,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.mark.fault(52)
@pytest.mark.parametrize("act", ACTS)
def test_a_kill_at_any_operation_leaves_the_earlier_or_the_new_state(template: Path, tmp_path: Path, act: str) -> None:
    assert [each for each in stopped_by_a_kill(template, tmp_path / "copy", act) if each.wrong] == []


@pytest.mark.fault(52)
@pytest.mark.parametrize("number", ERRORS)
@pytest.mark.parametrize("act", ACTS)
def test_a_failing_disk_leaves_the_earlier_or_the_new_state(
    template: Path, tmp_path: Path, act: str, number: int
) -> None:
    found = stopped_by_an_error(template, tmp_path / "copy", act, number)
    assert len(found) > 1
    assert [each for each in found if each.wrong] == []


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
        for number in range(32)
    ]
    assert sorted(exit_code(child) for child in children) == [0] + [1] * 31
    (name,) = registry.entries()[0].names
    assert name.startswith("to-")
    assert upkeep.verify(registry) == []
