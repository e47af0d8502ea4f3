import copy
import functools
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from office31_cli.engine.frozen_split import frozen_output_shape, largest_activation, split_network
from office31_cli.engine.loop import _set_train_mode
from office31_cli.models.network import Architecture, Network, extend_network
from office31_cli.outputs.composite import Composite
from tests.helpers.mixed_outputs import DOMAIN, GRAMS, ITEM, apart, joined
from tests.helpers.small_outputs import THREE

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


def network_of(backbone: str, outputs: Composite = THREE) -> Network:
    return copy.deepcopy(initialised(backbone, outputs))


@functools.lru_cache(maxsize=1)
def initialised(backbone: str, outputs: Composite) -> Network:
    """Kept, as drawing the weights of a ViT takes seconds and copying them does not."""
    torch.manual_seed(0)
    network = Network(Architecture(backbone=backbone, bottleneck=8, outputs=outputs, crop=CROPS[backbone]))
    for module in network.modules():  # a BN that has seen something, so that its statistics matter
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def answering(network: Network, outputs: Composite) -> Network:
    return extend_network(network, replace(network.architecture, outputs=outputs))


def images_for(network: Network) -> torch.Tensor:
    return torch.randn(2, 3, network.architecture.crop, network.architecture.crop)


@pytest.mark.parametrize("backbone", CROPS)
def test_the_two_parts_of_the_last_cut_make_the_whole(backbone: str) -> None:
    network = network_of(backbone)
    images = images_for(network)
    with torch.no_grad():
        expected = network(images)
        parts = split_network(network, "last")
        assert parts.frozen_part is not None
        seen = parts.frozen_part(images)
        assert torch.equal(parts.trained_part.eval()(seen), expected)
        assert frozen_output_shape(parts.frozen_part, network.architecture.crop) == seen.shape[1:]
    own = [*parts.frozen_part.parameters(), *parts.trained_part.parameters()]
    assert {id(parameter) for parameter in own} == {id(parameter) for parameter in network.parameters()}
    for parameter in parts.trained_part.parameters():
        assert parameter.requires_grad


@pytest.mark.parametrize("backbone", ["convnet", "squeezenet1_1", "resnet18"])
@pytest.mark.parametrize("train", ["head", "all"])
def test_the_parts_of_the_other_cuts_make_the_whole(backbone: str, train: str) -> None:
    network = network_of(backbone)
    images = images_for(network)
    with torch.no_grad():
        expected = network(images)
        parts = split_network(network, train)
        assert torch.equal(
            parts.trained_part(images if parts.frozen_part is None else parts.frozen_part(images)), expected
        )
    assert (parts.frozen_part is None) == (train == "all")


@pytest.mark.parametrize("backbone", ["resnet18", "efficientnet_b0"])
@pytest.mark.parametrize("train", ["head", "last"])
def test_training_leaves_the_frozen_part_alone(backbone: str, train: str) -> None:
    network = network_of(backbone)
    parts = split_network(network.train(), train)
    assert parts.frozen_part is not None
    before = {key: value.clone() for key, value in parts.frozen_part.state_dict().items()}
    images = images_for(network)
    _set_train_mode(nn.ModuleList([parts.frozen_part, parts.trained_part]))
    seen = parts.frozen_part(images)
    parts.trained_part(seen).square().sum().backward()
    assert torch.equal(parts.frozen_part(images), seen)  # no dropout, no batch statistics
    for key, value in parts.frozen_part.state_dict().items():
        assert torch.equal(value, before[key])
    for parameter in parts.frozen_part.parameters():
        assert parameter.grad is None
    for parameter in parts.trained_part.parameters():
        assert parameter.grad is not None


def test_dropout_inside_the_last_stage_follows_the_training_mode() -> None:
    """EfficientNet drops whole residual branches in training, and none in evaluation."""
    network = network_of("efficientnet_b0")
    trained = split_network(network, "last").trained_part
    modes = {module.training for module in trained.train().modules()}
    assert modes == {True}
    for depth in (module for module in network.backbones.modules() if type(module).__name__ == "StochasticDepth"):
        assert not depth.training  # the last stage of b0 is a convolution: every branch lies below the cut


def test_a_frozen_network_can_be_thawed_again() -> None:
    network = network_of("convnet")
    split_network(network, "head")
    split_network(network, "all")
    for parameter in network.parameters():
        assert parameter.requires_grad


# ---- networks side by side

SIDE_BY_SIDE = ["convnet", "squeezenet1_1", "resnet18", "mobilenet_v2", "swin_t", "vit_b_32"]
"""Features, and activations with the channels first, with the channels last, and as a sequence."""


def runs_of(modules: nn.ModuleList, run: Callable[[], object]) -> int:
    """How often one of the modules has its first convolution asked for something."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    firsts = [next(module for module in each.modules() if isinstance(module, nn.Conv2d)) for each in modules]
    hooks = [first.register_forward_hook(note) for first in firsts]
    run()
    for hook in hooks:
        hook.remove()
    return count


@pytest.mark.parametrize("train", ["head", "last"])
@pytest.mark.parametrize("backbone", SIDE_BY_SIDE)
def test_frozen_parts_that_are_equal_run_once_for_all_networks(backbone: str, train: str) -> None:
    one = network_of(backbone, joined(ITEM, DOMAIN))
    network = answering(one, apart(ITEM, DOMAIN)).eval()
    images = images_for(network)
    with torch.no_grad():
        expected, together = network(images), one(images)
        parts, alone = split_network(network, train), split_network(one, train)
        assert parts.frozen_part is not None
        assert alone.frozen_part is not None
        seen = parts.frozen_part(images)
        assert torch.equal(seen, alone.frozen_part(images))  # so that what was kept of the one serves the other
        torch.testing.assert_close(parts.trained_part.eval()(seen), expected)
        torch.testing.assert_close(expected, together, rtol=1e-5, atol=1e-5)
        assert runs_of(network.backbones, lambda: parts.frozen_part(images)) == 1  # type: ignore[misc]
    assert frozen_output_shape(parts.frozen_part, network.architecture.crop) == seen.shape[1:]


@pytest.mark.parametrize("train", ["head", "last"])
@pytest.mark.parametrize("backbone", SIDE_BY_SIDE)
def test_frozen_parts_that_differ_run_side_by_side(backbone: str, train: str) -> None:
    """As they do once everything was trained."""
    network = network_of(backbone, apart(ITEM, DOMAIN, GRAMS))
    images = images_for(network)
    with torch.no_grad():
        expected = network(images)
        parts = split_network(network, train)
        assert parts.frozen_part is not None
        seen = parts.frozen_part(images)
        torch.testing.assert_close(parts.trained_part.eval()(seen), expected)
        assert runs_of(network.backbones, lambda: parts.frozen_part(images)) == 3  # type: ignore[misc]
    assert frozen_output_shape(parts.frozen_part, network.architecture.crop) == seen.shape[1:]
    own = [*parts.frozen_part.parameters(), *parts.trained_part.parameters()]
    assert {id(parameter) for parameter in own} == {id(parameter) for parameter in network.parameters()}


@pytest.mark.parametrize("train", ["head", "last"])
def test_statistics_alone_make_frozen_parts_differ(train: str) -> None:
    network = answering(network_of("resnet18", joined(ITEM, DOMAIN)), apart(ITEM, DOMAIN)).eval()
    images = images_for(network)
    norm = next(module for module in network.backbones[1].modules() if isinstance(module, nn.BatchNorm2d))
    norm.running_mean.add_(0.5)
    with torch.no_grad():
        expected = network(images)
        parts = split_network(network, train)
        assert parts.frozen_part is not None
        torch.testing.assert_close(parts.trained_part.eval()(parts.frozen_part(images)), expected)


@pytest.mark.parametrize("train", ["head", "last", "all"])
@pytest.mark.parametrize("equal", [True, False])
def test_what_is_trained_of_each_network_is_trained_and_the_rest_is_not(train: str, equal: bool) -> None:
    network = network_of("resnet18", apart(ITEM, DOMAIN))
    if equal:
        network.backbones[1].load_state_dict(network.backbones[0].state_dict())
    parts = split_network(network, train)
    images = images_for(network)
    parts.trained_part(images if parts.frozen_part is None else parts.frozen_part(images)).square().sum().backward()
    for name, parameter in network.named_parameters():
        kind = name.split(".")[0]
        trained = train == "all" or kind == "heads" or (train == "last" and ".layer4." in name)
        assert (parameter.grad is not None) == trained == parameter.requires_grad, name


@pytest.mark.parametrize("train", ["head", "last", "all"])
def test_a_network_learns_nothing_from_its_neighbours_answer(train: str) -> None:
    network = network_of("resnet18", apart(ITEM, DOMAIN))
    parts = split_network(network, train)
    images = images_for(network)
    seen = images if parts.frozen_part is None else parts.frozen_part(images)
    parts.trained_part(seen)[:, :3].square().sum().backward()  # the item's numbers
    for part in (network.backbones[1], network.heads[1]):
        for parameter in part.parameters():
            assert parameter.grad is None or not parameter.grad.any()
    assert any(bool(parameter.grad.any()) for parameter in network.heads[0].parameters() if parameter.grad is not None)


def test_the_largest_activation_is_that_of_the_widest_layer() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 4))
    assert largest_activation(layers, 8) == 4 * 8 * 8 * 8
    assert not any(module._forward_hooks for module in layers.modules())
