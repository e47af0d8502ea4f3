import base64
import hashlib
import json
import pickle
import random
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from office31_cli.errors import Misuse, Office31Error, Refused
from office31_cli.registry import Entry, Registry, bundle, upkeep
from tests.helpers.small_models import Publish, safetensors_bytes


@pytest.fixture
def other(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "other")


@pytest.fixture
def exported(publish: Publish, tmp_path: Path) -> Path:
    child = publish("child", parent=publish("first"))
    return bundle.export(child, tmp_path / "model.safetensors")


def rewritten(path: Path, change) -> Path:
    """The bundle with its metadata changed by `change`, its header being sound."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    change(header["__metadata__"])
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])
    return path


def with_card(path: Path, **fields: object) -> Path:
    def change(metadata: dict[str, str]) -> None:
        card = json.loads(metadata["office31.card"]) | fields
        metadata["office31.card"] = json.dumps(card, sort_keys=True, separators=(",", ":"))
        metadata["office31.sha256"] = hashlib.sha256(metadata["office31.card"].encode()).hexdigest()

    return rewritten(path, change)


def test_any_safetensors_reader_opens_an_exported_model(exported: Path) -> None:
    assert (safetensors.numpy.load_file(exported)["w"] == np.array([1.0, 2.0], np.float32)).all()
    with safetensors.safe_open(exported, "numpy") as opened:
        assert json.loads(opened.metadata()["office31.card"])["command"] == "finetune"


def test_a_round_trip_gives_the_same_model(registry: Registry, other: Registry, exported: Path) -> None:
    original = registry.find("child")
    entry = bundle.import_model(other, exported)
    assert (entry.id, entry.sha256, entry.card, entry.names) == (
        original.id,
        original.sha256,
        original.card,
        ("model",),
    )
    assert all(
        entry.verified_path(name).read_bytes() == original.file_path(name).read_bytes() for name in entry.card.files
    )
    assert upkeep.verify(other) == []
    again = bundle.export(entry, exported.with_name("again.safetensors"))
    assert again.read_bytes() == exported.read_bytes()


def test_a_model_written_by_the_library_survives_the_round_trip(
    registry: Registry, other: Registry, publish: Publish, tmp_path: Path
) -> None:
    arrays = {"b": np.ones((2, 3), np.float32), "a": np.arange(5, dtype=np.int64), "ü": np.zeros(1, np.uint8)}
    content = safetensors.numpy.save(arrays, metadata={"office31.card": "x"})
    entry = registry.publish(publish("first").card, {"model.safetensors": content}, name="library", suggested="x")
    path = bundle.export(entry, tmp_path / "m.safetensors")
    assert bundle.import_model(other, path).id == entry.id


def test_importing_twice_gives_one_model_with_both_names(other: Registry, exported: Path) -> None:
    first = bundle.import_model(other, exported)
    assert bundle.import_model(other, exported) == first
    assert bundle.import_model(other, exported, name="second").names == ("model", "second")
    assert len(other.entries()) == 1


def test_an_empty_folder_of_that_id_is_no_model_and_a_damaged_one_is_not_replaced(
    registry: Registry, other: Registry, exported: Path
) -> None:
    folder = other.layout.models / registry.find("child").id
    folder.mkdir(parents=True)
    entry = bundle.import_model(other, exported)
    (entry.folder / "seen.json").write_bytes(b"x")
    with pytest.raises(Refused, match=r"seen\.json"):
        bundle.import_model(other, exported)
    assert entry.file_path().exists()


def test_import_refuses_a_name_that_is_taken(
    registry: Registry, other: Registry, exported: Path, publish: Publish
) -> None:
    publish("taken", into=other)
    with pytest.raises(Misuse, match="has it"):
        bundle.import_model(other, exported, name="taken")
    assert len(other.entries()) == 1


@pytest.mark.fault(78)
def test_export_keeps_what_is_there_unless_told(registry: Registry, exported: Path, tmp_path: Path) -> None:
    entry: Entry = registry.find("first")
    before = exported.read_bytes()
    for path in (exported, tmp_path / "m.pt", tmp_path):
        with pytest.raises(Misuse):
            bundle.export(entry, path)
    assert exported.read_bytes() == before
    assert bundle.export(entry, exported, overwrite=True).read_bytes() != before


def test_a_damaged_model_is_not_exported(registry: Registry, exported: Path, tmp_path: Path) -> None:
    path = registry.find("first").folder / "model.safetensors"
    path.write_bytes(safetensors_bytes(1.0, 3.0))
    with pytest.raises(Refused, match="SHA-256"):
        bundle.export(registry.find("first"), tmp_path / "bad.safetensors")
    assert not (tmp_path / "bad.safetensors").exists()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".PT"])
def test_a_pickle_is_not_opened(other: Registry, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(1))
    with pytest.raises(Misuse, match="--weights"):
        bundle.import_model(other, path)


def test_a_pickle_called_safetensors_is_refused(other: Registry, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(1))
    with pytest.raises(Refused):
        bundle.import_model(other, path)


def test_weights_without_a_card_are_for_pretrain(other: Registry, tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    path.write_bytes(safetensors_bytes(1.0))
    with pytest.raises(Misuse, match="pretrain --weights PATH"):
        bundle.import_model(other, path)
    with pytest.raises(Misuse, match="no such file"):
        bundle.import_model(other, tmp_path)


@pytest.mark.fault(69)
def test_a_forged_card_is_refused(other: Registry, exported: Path) -> None:
    good = exported.read_bytes()
    parent = {"id": "0" * 16, "sha256": "1" * 64, "role": "start"}
    record = {"sha256": "0" * 64, "bytes": 40}
    for fields in (
        {"parents": [parent]},
        {"files": {"model.safetensors": record}},
        {"files": {"model.safetensors": record, "seen.json": record}},
        {"files": {"model.safetensors": record, "../../x": record}},
        {"seconds": "1"},
    ):
        exported.write_bytes(good)
        with pytest.raises(Refused):
            bundle.import_model(other, with_card(exported, **fields))
    assert other.entries() == []


@pytest.mark.fault(69)
def test_a_parent_that_shares_only_its_id_with_the_stored_one_is_refused(
    registry: Registry, exported: Path, tmp_path: Path
) -> None:
    parent = registry.find("first")
    forged = {"id": parent.id, "sha256": parent.id + "0" * 48, "role": "start"}
    with pytest.raises(Refused, match="parent"):
        bundle.import_model(registry, with_card(exported, parents=[forged]))


@pytest.mark.parametrize("name", ["../../x", "seen2.json", "model.safetensors", "card.json"])
@pytest.mark.fault(69)
def test_a_file_that_is_not_on_the_card_is_refused(other: Registry, exported: Path, name: str, tmp_path: Path) -> None:
    content = base64.b64encode(b"x").decode()
    with pytest.raises(Refused):
        bundle.import_model(
            other, rewritten(exported, lambda metadata: metadata.update({f"office31.file.{name}": content}))
        )
    assert not (tmp_path / "x").exists()


def test_a_small_file_that_was_changed_is_refused(other: Registry, exported: Path) -> None:
    with pytest.raises(Refused, match=r"seen\.json"):
        bundle.import_model(
            other, rewritten(exported, lambda metadata: metadata.update({"office31.file.seen.json": "eHg="}))
        )
    with pytest.raises(Refused, match="base64"):
        bundle.import_model(
            other, rewritten(exported, lambda metadata: metadata.update({"office31.file.seen.json": "*"}))
        )


def test_mutated_bundles_are_refused_or_whole(registry: Registry, other: Registry, exported: Path) -> None:
    draw = random.Random(0)
    raw = exported.read_bytes()
    model_id = registry.find("child").id
    for _ in range(300):
        mutated = bytearray(raw)
        for _ in range(draw.randint(1, 3)):
            place = draw.randrange(len(mutated) if draw.random() < 0.5 else 100)
            match draw.randrange(3):
                case 0:
                    mutated[place] = draw.randrange(256)
                case 1:
                    del mutated[place : place + draw.randint(1, 20)]
                case 2:
                    mutated[place:place] = draw.choice([b"9", b"-1", b"[", b'"', b"}", bytes(8), b"null", b"1e999"])
        exported.write_bytes(mutated)
        try:
            assert bundle.import_model(other, exported).id == model_id
        except Office31Error as error:
            assert len(str(error).splitlines()) == 1
    assert upkeep.verify(other) == []
