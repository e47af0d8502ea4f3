import dataclasses
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from office31_cli.errors import Failed, Refused
from office31_cli.models.network import Architecture, Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.state_dict import hash_tensors
from office31_cli.models.stored import load_network
from office31_cli.registry import Card, Entry, Registry
from tests.helpers.small_outputs import choosing

ARCHITECTURE = Architecture(backbone="convnet", bottleneck=8, outputs=choosing("back_pack", "mug"), crop=16)
PREPROCESSING = Preprocessing(side=18, crop=16, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
CARD = Card(
    command="pretrain",
    parents=(),
    network=ARCHITECTURE.to_json(),
    weights="none",
    train="all",
    items=("back_pack", "mug"),
    preprocessing=PREPROCESSING.to_json(),
    data={"name": "sample", "domains": ["amazon"]},
    labels_used={"amazon": 2},
    configuration={},
    environment={},
    metrics={},
    history=[],
    seconds=1.0,
)


def published(tensors: dict[str, torch.Tensor], card: Card = CARD) -> Entry:
    files = {"model.safetensors": safetensors.torch.save(tensors)}
    return Registry().publish(card, files, name="tiny", suggested="tiny")


def test_a_stored_network_comes_back_with_its_preprocessing() -> None:
    network = Network(ARCHITECTURE)
    loaded, preprocessing = load_network(published(network.state_dict()))
    assert hash_tensors(loaded.state_dict()) == hash_tensors(network.state_dict())
    assert preprocessing == PREPROCESSING
    images = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(images), network.eval()(images))


def test_bytes_that_changed_since_are_refused() -> None:
    entry = published(Network(ARCHITECTURE).state_dict())
    path: Path = entry.verified_path()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(Refused):
        load_network(Registry().find("tiny"))


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "resnet5000"},
        {"outputs": -1},
        {"bottleneck": "wide"},
        {"crop": 0},
        {"crop": 100_000_000},
        {"backbone": "mlp"},
    ],
)
def test_a_card_that_describes_no_network_fails_in_one_line(change: dict[str, Any]) -> None:
    card = dataclasses.replace(CARD, network={**CARD.network, **change})
    entry = published(Network(ARCHITECTURE).state_dict(), card)
    with pytest.raises(Failed, match="describes no network that can be built") as raised:
        load_network(entry)
    assert "\n" not in str(raised.value)


def test_a_card_without_preprocessing_fails_in_one_line() -> None:
    entry = published(Network(ARCHITECTURE).state_dict(), dataclasses.replace(CARD, preprocessing={}))
    with pytest.raises(Failed, match="describes no network"):
        load_network(entry)


def test_weights_of_another_network_fail_by_name() -> None:
    other = Network(dataclasses.replace(ARCHITECTURE, outputs=choosing("a", "b", "c", "d", "e")))
    with pytest.raises(Refused, match=r"heads.0.outputs.weight has shape \(5, 8\) instead of \(2, 8\)"):
        load_network(published(other.state_dict()))
