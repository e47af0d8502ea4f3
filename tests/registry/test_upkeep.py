import os
import shutil
from pathlib import Path

import pytest

from office31_cli.errors import Failed, Misuse, Refused
from office31_cli.registry import Registry, lineage, upkeep
from tests.helpers.small_models import Publish


def test_a_sound_registry_has_no_problems(registry: Registry, publish: Publish) -> None:
    assert upkeep.verify(registry) == []
    publish("child", parent=publish("first"))
    assert upkeep.verify(registry) == []


@pytest.mark.fault(53)
def test_a_flipped_byte_in_any_file_is_found_and_named(registry: Registry, publish: Publish) -> None:
    publish("child", parent=publish("first"))
    upkeep.remove(registry, "first", force=True)
    root = registry.layout.root
    kept = [root / folder for folder in ("models", "refs", "tombstones")]
    files = [path for folder in kept for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        content = path.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 16)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert str(path) in [problem.path for problem in upkeep.verify(registry)]
        path.write_bytes(content)
    assert upkeep.verify(registry) == []


def test_a_missing_a_strange_and_an_empty_thing_are_found(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    (entry.folder / "seen.json").unlink()
    (entry.folder / "more").touch()
    (registry.layout.models / "notes.txt").touch()
    (registry.layout.models / ("0" * 16)).mkdir()
    paths = {Path(problem.path).relative_to(registry.layout.models).as_posix() for problem in upkeep.verify(registry)}
    assert paths == {f"{entry.id}/seen.json", f"{entry.id}/more", "notes.txt", f"{'0' * 16}/card.json"}


def test_a_name_whose_model_vanished_is_a_problem(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    shutil.rmtree(entry.folder)
    assert [problem.path for problem in upkeep.verify(registry)] == [str(registry.layout.refs / "first")]


def test_rename_gives_the_model_another_name(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    assert upkeep.rename(registry, "first", "second").names == ("second",)
    assert upkeep.rename(registry, entry.id, "third").names == ("third",)
    assert upkeep.rename(registry, "third", "third").names == ("third",)
    with pytest.raises(Misuse):
        registry.find("first")


def test_rename_refuses_a_name_that_is_taken_or_invalid(registry: Registry, publish: Publish) -> None:
    publish("first")
    publish("second")
    for name in ("second", "../x", "deadbeef", ""):
        with pytest.raises(Misuse):
            upkeep.rename(registry, "first", name)
    assert sorted(registry.layout.names()) == ["first", "second"]


def test_a_model_that_lost_its_name_can_be_given_one(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    (registry.layout.refs / "first").unlink()
    assert upkeep.rename(registry, entry.id, "again").names == ("again",)


@pytest.mark.fault(58)
def test_a_parent_is_removed_only_with_force_and_leaves_a_tombstone(registry: Registry, publish: Publish) -> None:
    first = publish("first")
    child = publish("child", parent=first)
    with pytest.raises(Misuse, match="child came from it"):
        upkeep.remove(registry, "first")
    assert registry.find("first") == first
    upkeep.remove(registry, "first", force=True)
    (root,) = lineage.build_forest(registry)
    assert (root.id, root.state, root.card) == (first.id, "removed", first.card)
    assert [node.entry for node in root.children] == [child]
    assert upkeep.verify(registry) == []


def test_a_removed_name_is_free_and_gc_gives_the_space_back(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    size = sum(path.stat().st_size for path in entry.folder.iterdir())
    kept = publish("kept")
    upkeep.remove(registry, entry.id)
    registry.check_name_free("first")
    assert upkeep.gc(registry) == upkeep.FreedSpace(models=1, unfinished=0, bytes=size)
    assert upkeep.gc(registry) == upkeep.FreedSpace(models=0, unfinished=0, bytes=0)
    assert registry.entries() == [kept]


def test_a_model_that_cannot_be_read_can_be_put_away(registry: Registry, publish: Publish) -> None:
    first = publish("first")
    publish("child", parent=first)
    (first.folder / "card.json").write_text("{")
    upkeep.remove(registry, "first", force=True)
    assert upkeep.verify(registry) == []
    assert [node.state for node in lineage.build_forest(registry)] == ["missing"]


def test_gc_leaves_a_living_writers_folder_and_takes_a_dead_ones(registry: Registry) -> None:
    with registry.layout.open_staging_folder() as folder:
        (folder / "model.safetensors").touch()
        dead = registry.layout.staged / "0" / "x"
        dead.parent.mkdir()
        dead.write_bytes(b"12345")
        assert upkeep.gc(registry) == upkeep.FreedSpace(models=0, unfinished=1, bytes=5)
        assert folder.is_dir()


def test_gc_never_takes_a_name_that_damage_left_behind(registry: Registry, publish: Publish) -> None:
    shutil.rmtree(publish("first").folder)
    upkeep.gc(registry)
    assert (registry.layout.refs / "first").exists()


def test_a_lock_that_another_process_holds_is_named(
    registry: Registry, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("first")
    moments = iter(range(0, 10_000, 20))
    with registry.layout.hold_lock():
        monkeypatch.setattr("office31_cli.storage.time.monotonic", lambda: next(moments))
        with pytest.raises(Failed, match=f"process {os.getpid()}"):
            publish("second", into=Registry(registry.layout.root))


@pytest.mark.fault(63)
def test_a_lock_that_an_orphan_holds_says_whose_it_is(
    registry: Registry, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("first")
    (told, telling), (waiting, released) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        with registry.layout.hold_lock():
            if os.fork() == 0:  # it has the open lock file from its parent, which ends
                os.close(released)
                os.write(telling, b"!")
                os.read(waiting, 1)
            os._exit(0)
    os.waitpid(child, 0)
    os.read(told, 1)
    moments = iter(range(0, 10_000, 20))
    with monkeypatch.context() as patched:
        patched.setattr("office31_cli.storage.time.monotonic", lambda: next(moments))
        with pytest.raises(Failed, match=rf"process {child} has ended.*fuser .*lock") as raised:
            publish("second")
    assert raised.value.exit_code == 1
    os.close(released)
    assert publish("second").name == "second"
    for end in (told, telling, waiting):
        os.close(end)


def test_the_forest_follows_the_first_parent_through_removed_models(registry: Registry, publish: Publish) -> None:
    first = publish("first")
    second = publish("second", parent=first)
    third = publish("third", parent=second)
    other = publish("other")
    upkeep.remove(registry, "first", force=True)
    upkeep.remove(registry, "second", force=True)
    root, alone = lineage.build_forest(registry)
    assert (root.id, root.children[0].id, root.children[0].children[0].id) == (first.id, second.id, third.id)
    assert (alone.entry, alone.children) == (other, [])
    with pytest.raises(Misuse):
        registry.find("second")


def test_refused_is_what_a_damaged_model_raises_everywhere(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    (entry.folder / "card.json").write_text("{}")
    for act in (registry.find, lambda word: upkeep.rename(registry, word, "x")):
        with pytest.raises(Refused):
            act("first")
