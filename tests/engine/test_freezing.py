import pytest
import torch
from small_outputs import THREE
from torch import nn

from office31_cli.engine.freezing import cut, frozen_shape
from office31_cli.engine.loop import _train_mode
from office31_cli.models.network import Architecture, Network

CROPS = {
    "convnet": 16,
    "squeezenet1_1": 48,
    "resnet18": 48,
    "densenet121": 48,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "efficientnet_b0": 32,
    "shufflenet_v2_x0_5": 32,
    "regnet_y_400mf": 32,
    "convnext_tiny": 32,
    "swin_t": 32,
    "vit_b_32": 64,
    "inception_v3": 80,
    "googlenet": 48,
}
"""A network of every family that is cut in its own way, with a size that it can still see."""


def network_of(backbone: str) -> Network:
    torch.manual_seed(0)
    network = Network(Architecture(backbone=backbone, bottleneck=8, outputs=THREE, crop=CROPS[backbone]))
    for module in network.modules():  # a BN that has seen something, so that its statistics matter
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def images_for(network: Network) -> torch.Tensor:
    return torch.randn(2, 3, network.architecture.crop, network.architecture.crop)


@pytest.mark.parametrize("backbone", CROPS)
def test_the_two_parts_of_the_last_cut_make_the_whole(backbone: str) -> None:
    network = network_of(backbone)
    images = images_for(network)
    with torch.no_grad():
        expected = network(images)
        parts = cut(network, "last")
        assert parts.frozen is not None
        seen = parts.frozen(images)
        assert torch.equal(parts.trained.eval()(seen), expected)
        assert frozen_shape(parts.frozen, network.architecture.crop) == seen.shape[1:]
    own = [*parts.frozen.parameters(), *parts.trained.parameters()]
    assert {id(parameter) for parameter in own} == {id(parameter) for parameter in network.parameters()}
    for parameter in parts.trained.parameters():
        assert parameter.requires_grad


@pytest.mark.parametrize("backbone", ["convnet", "squeezenet1_1", "resnet18"])
@pytest.mark.parametrize("train", ["head", "all"])
def test_the_parts_of_the_other_cuts_make_the_whole(backbone: str, train: str) -> None:
    network = network_of(backbone)
    images = images_for(network)
    with torch.no_grad():
        expected = network(images)
        parts = cut(network, train)
        assert torch.equal(parts.trained(images if parts.frozen is None else parts.frozen(images)), expected)
    assert (parts.frozen is None) == (train == "all")


@pytest.mark.parametrize("backbone", ["resnet18", "efficientnet_b0"])
@pytest.mark.parametrize("train", ["head", "last"])
def test_training_leaves_the_frozen_part_alone(backbone: str, train: str) -> None:
    network = network_of(backbone)
    parts = cut(network.train(), train)
    assert parts.frozen is not None
    before = {key: value.clone() for key, value in parts.frozen.state_dict().items()}
    images = images_for(network)
    _train_mode(nn.ModuleList([parts.frozen, parts.trained]))
    seen = parts.frozen(images)
    parts.trained(seen).square().sum().backward()
    assert torch.equal(parts.frozen(images), seen)  # no dropout, no batch statistics
    for key, value in parts.frozen.state_dict().items():
        assert torch.equal(value, before[key])
    for parameter in parts.frozen.parameters():
        assert parameter.grad is None
    for parameter in parts.trained.parameters():
        assert parameter.grad is not None


def test_dropout_inside_the_last_stage_follows_the_training_mode() -> None:
    """EfficientNet drops whole residual branches in training, and none in evaluation."""
    network = network_of("efficientnet_b0")
    trained = cut(network, "last").trained
    modes = {module.training for module in trained.train().modules()}
    assert modes == {True}
    for depth in (module for module in network.backbones.modules() if type(module).__name__ == "StochasticDepth"):
        assert not depth.training  # the last stage of b0 is a convolution: every branch lies below the cut


def test_a_frozen_network_can_be_thawed_again() -> None:
    network = network_of("convnet")
    cut(network, "head")
    cut(network, "all")
    for parameter in network.parameters():
        assert parameter.requires_grad
