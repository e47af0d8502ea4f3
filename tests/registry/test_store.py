import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from office31_cli import storage
from office31_cli.errors import Failed, Misuse, Refused
from office31_cli.registry import Registry, upkeep
from tests.helpers.small_models import Publish, make_card, safetensors_bytes

YEAR = 365 * 86_400


def test_an_empty_registry_has_no_models_and_reading_makes_none(registry: Registry) -> None:
    assert registry.entries() == []
    assert registry.newest(lambda entry: True) is None
    with pytest.raises(Misuse, match="there are none yet"):
        registry.find("x")
    assert not registry.layout.root.exists()


def test_importing_the_registry_imports_no_torch_and_no_numpy() -> None:
    code = "import sys, office31_cli.registry.bundle, office31_cli.registry.upkeep, office31_cli.registry.lineage\n"
    code += "sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_is_found_by_name_id_and_beginning_of_id(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    for word in ("first", entry.id, entry.id[:5], entry.id[:5].upper()):
        assert Registry(registry.layout.root).find(word) == entry
    assert entry.names == ("first",)
    assert entry.name == "first"
    assert entry.sha256.startswith(entry.id)
    assert entry.bytes == len(safetensors_bytes(1.0, 2.0)) + len(b'["ab"]')


def test_what_was_published_is_what_is_read(publish: Publish) -> None:
    entry = publish("first")
    assert entry.verified_path().read_bytes() == safetensors_bytes(1.0, 2.0)
    assert entry.verified_path("seen.json").read_bytes() == b'["ab"]'
    assert entry.card.items == ("back_pack", "mug")


def test_a_card_with_the_job_of_an_earlier_version_is_a_model_like_any_other(
    registry: Registry, publish: Publish
) -> None:
    published = publish("first")
    row = json.loads(published.raw_card()) | {"job": "a-w-0", "created": "2026-01-02T03:04:05.000006+00:00"}
    raw = json.dumps(row, sort_keys=True, separators=(",", ":")).encode()
    with registry.layout.open_staging_folder() as folder, registry.layout.hold_lock():
        for name in published.card.files:
            shutil.copy(published.file_path(name), folder / name)
        earlier = registry.admit(folder, raw, name="earlier", suggested="x")
    assert registry.find("earlier") == earlier
    assert earlier.raw_card() == raw
    assert [entry.name for entry in registry.entries()] == ["first", "earlier"]
    assert publish("child", parent=earlier).card.parents[0].sha256 == earlier.sha256
    assert upkeep.verify(registry) == []


@pytest.mark.parametrize("files", [{}, {"seen.json": b""}])
def test_a_model_without_weights_is_not_stored(registry: Registry, files: dict[str, bytes]) -> None:
    with pytest.raises(Refused, match=r"model\.safetensors"):
        registry.publish(make_card(), files, name="x", suggested="x")
    assert registry.entries() == []


@pytest.mark.parametrize("name", ["../x", "card.json", "", "a/b", "A"])
def test_a_file_cannot_have_a_name_that_leaves_the_folder(registry: Registry, name: str) -> None:
    with pytest.raises(Refused):
        registry.publish(make_card(), {"model.safetensors": safetensors_bytes(1.0), name: b""}, name="x", suggested="x")
    assert registry.entries() == []


def test_suggested_names_are_numbered_and_given_ones_are_not(registry: Registry, publish: Publish) -> None:
    assert [publish().name for _ in range(3)] == ["amazon-head", "amazon-head-2", "amazon-head-3"]
    with pytest.raises(Misuse, match="has it"):
        publish("amazon-head")
    with pytest.raises(Misuse):
        registry.check_name_free("amazon-head-2")
    registry.check_name_free("amazon-head-4")


@pytest.mark.fault(84)
def test_newer_means_later_even_where_the_clock_is_set_back(
    registry: Registry, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish("first")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - YEAR)
    second = publish("second")
    third = publish("third", into=Registry(registry.layout.root))
    assert first.card.created < second.card.created < third.card.created
    assert [entry.name for entry in registry.entries()] == ["third", "second", "first"]
    newest = registry.newest(lambda entry: entry.name != "third")
    assert newest == second
    upkeep.remove(registry, "second")
    assert upkeep.gc(registry).models == 1
    assert upkeep.verify(registry) == []
    with (
        registry.layout.hold_lock(),
        pytest.raises(Failed),
        storage.hold_lock(registry.layout.root / "lock", timeout=0.01),
    ):
        raise AssertionError


def test_an_unknown_name_comes_with_a_near_match(registry: Registry, publish: Publish) -> None:
    publish("webcam-coral")
    with pytest.raises(Misuse, match=r"did you mean webcam-coral\?"):
        registry.find("webcam-corel")


@pytest.mark.parametrize("word", ["", "../../x", "a\0b", "x" * 10_000, "\ud800", "."])
def test_any_word_that_names_no_model_is_misuse(registry: Registry, publish: Publish, word: str) -> None:
    publish("first")
    with pytest.raises(Misuse) as caught:
        registry.find(word)
    assert str(caught.value).isprintable()


@pytest.mark.fault(55)
def test_a_beginning_that_several_ids_share_lists_them(registry: Registry, publish: Publish) -> None:
    ids = [publish().id for _ in range(17)]  # two of them share their first digit
    digit = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    with pytest.raises(Misuse, match="several ids begin with it") as caught:
        registry.find(digit)
    assert next(one for one in sorted(ids) if one[0] == digit) in str(caught.value)


@pytest.mark.fault(57)
def test_a_broken_card_hides_that_model_alone(registry: Registry, publish: Publish) -> None:
    good, bad = publish("good"), publish("bad")
    path = bad.folder / "card.json"
    for content in (b"", b"{", b"[" * 100_000, b'{"a":1,"a":2}', path.read_bytes().replace(b"1.5", b"NaN")):
        path.write_bytes(content)
        assert [entry.id for entry in registry.entries()] == [good.id]
        assert [problem.path for problem in registry.unreadable()] == [str(path)]
        with pytest.raises(Refused, match=r"card\.json"):
            registry.find("bad")


@pytest.mark.fault(56)
def test_a_newer_card_or_registry_asks_for_an_upgrade(registry: Registry, publish: Publish) -> None:
    path = publish("first").folder / "card.json"
    path.write_bytes(path.read_bytes().replace(b'"schema":1', b'"schema":2'))
    with pytest.raises(Failed, match="upgrade office31-cli"):
        registry.find("first")
    (registry.layout.root / "format").write_text('{"format": 2}\n')
    with pytest.raises(Failed, match="upgrade office31-cli"):
        registry.entries()


@pytest.mark.parametrize("content", ["", "{", "[2]", '{"format": "2"}', '{"format": 0}', '{"format":{}}'])
def test_a_damaged_format_file_is_refused(registry: Registry, publish: Publish, content: str) -> None:
    publish("first")
    (registry.layout.root / "format").write_text(content)
    with pytest.raises(Refused, match="format"):
        registry.entries()


@pytest.mark.parametrize("folder", ["models", "refs", "tmp", "trash", "tombstones"])
def test_a_link_in_place_of_a_folder_is_refused(registry: Registry, publish: Publish, folder: str) -> None:
    publish("first")
    path = registry.layout.root / folder
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    with pytest.raises(Refused, match="link"):
        registry.entries()
    with pytest.raises(Refused, match="link"):
        publish("second")


@pytest.mark.fault(59)
def test_a_link_in_place_of_the_lock_is_refused(registry: Registry, publish: Publish, tmp_path: Path) -> None:
    publish("first")
    lock = registry.layout.root / "lock"
    lock.unlink()
    lock.symlink_to(tmp_path / "victim")
    with pytest.raises(Refused, match="link"):
        publish("second")
    assert not (tmp_path / "victim").exists()


@pytest.mark.fault(59)
def test_a_link_in_place_of_a_model_its_card_or_its_weights_is_refused(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    for path in (entry.folder, entry.folder / "card.json", entry.folder / "model.safetensors"):
        away = registry.layout.root / "away"
        path.rename(away)
        path.symlink_to(away)
        with pytest.raises(Refused):
            registry.find("first").file_path()
        assert upkeep.verify(registry) != []
        path.unlink()
        away.rename(path)


def test_a_file_of_another_size_or_hash_is_refused_when_opened(publish: Publish) -> None:
    entry = publish("first")
    path = entry.folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    entry.file_path()
    with pytest.raises(Refused, match="SHA-256"):
        entry.verified_path()
    path.write_bytes(content[:-1])
    with pytest.raises(Refused, match="instead of"):
        entry.file_path()
    path.unlink()
    with pytest.raises(Refused, match="missing"):
        entry.file_path()


def test_a_damaged_ref_is_no_name(registry: Registry, publish: Publish) -> None:
    entry = publish("first")
    (registry.layout.refs / "first").write_text("../../../etc/passwd")
    assert registry.find(entry.id).names == ()
    with pytest.raises(Misuse):
        registry.find("first")
