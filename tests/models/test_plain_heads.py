"""Networks without a bottleneck: torchvision's classifiers as they are, which everything else has to cope with."""

from pathlib import Path

import pytest
import torch
import torchvision

from office31_cli.models.backbones import build_backbone, last_layer
from office31_cli.models.network import Architecture, Head, Network, extend_network
from office31_cli.models.weights_file import read_weights_file
from tests.helpers.small_outputs import THREE, choosing

PLAIN = Architecture(backbone="convnet", bottleneck=0, crop=16, outputs=THREE)


def test_its_last_layer_is_given_the_backbones_features_as_they_are() -> None:
    network = Network(PLAIN).eval()
    images = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        features = network.backbones[0](images)
        assert torch.equal(network(images), network.last_layers()[0](features))
    assert network.last_layers()[0].in_features == features.shape[1]
    (layer,) = network.activations()
    assert torch.equal(layer(features), features)
    assert sum(len(part) for part in network.layers()) == len(list(network.parameters()))


def test_it_is_built_again_from_its_card_and_drawn_anew_in_the_same_shape() -> None:
    assert Architecture.from_json(PLAIN.to_json()) == PLAIN
    head = Network(PLAIN).heads[0]
    assert isinstance(head, Head)
    fresh = head.reinitialised_copy()
    assert {key: value.shape for key, value in fresh.state_dict().items()} == {
        key: value.shape for key, value in head.state_dict().items()
    }
    assert not torch.equal(fresh.outputs.weight, head.outputs.weight)


def test_what_goes_on_from_it_keeps_its_last_layer() -> None:
    network = Network(PLAIN)
    assert extend_network(network, PLAIN) is network
    more = Architecture(backbone="convnet", bottleneck=0, crop=16, outputs=choosing("a", "b"))
    assert extend_network(network, more).last_layers()[0].out_features == 2


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "alexnet", "densenet121", "vgg11"])
def test_a_classifiers_last_layer_is_found_among_its_weights(name: str) -> None:
    torch.manual_seed(0)
    whole = torchvision.models.get_model(name, num_classes=5).eval()
    tensors = whole.state_dict()
    backbone = build_backbone(name, 96, tensors).eval()
    layer = last_layer(backbone, tensors)
    images = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        logits = backbone(images) @ layer["weight"].T + layer["bias"]
        torch.testing.assert_close(logits, whole(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda tensors: {"state_dict": tensors, "epoch": 3, "best": 0.5},
        lambda tensors: {"model": {f"module.{key}": value for key, value in tensors.items()}},
        lambda tensors: {f"_orig_mod.{key}": value for key, value in tensors.items()},
        lambda tensors: {"state_dict": {f"model.module.{key}": value for key, value in tensors.items()}},
    ],
)
def test_a_checkpoint_is_opened_down_to_the_networks_own_names(wrapped, tmp_path: Path) -> None:
    tensors = {"conv.weight": torch.ones(2), "fc.bias": torch.zeros(1)}
    torch.save(wrapped(tensors), tmp_path / "checkpoint.pth")
    found = read_weights_file(tmp_path / "checkpoint.pth")
    assert found.keys() == tensors.keys()
    assert torch.equal(found["conv.weight"], tensors["conv.weight"])
