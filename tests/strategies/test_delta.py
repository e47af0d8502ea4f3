import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd import gradcheck

from office31_cli.strategies import full
from office31_cli.strategies.base import Strategy as Base
from office31_cli.strategies.delta import Strategy, channel_attention, feature_map_distance
from tests.helpers.losses import SEEDS, Array, normal, softmax
from tests.helpers.mixed_outputs import DOMAIN, ITEM, apart
from tests.helpers.tiny_finetuning import IMAGES, build_finetuning, settings, stored_network

SHAPES = ((4, 3, 2, 5), (4, 6), (4, 5, 7))
"""Maps of a convolution, features, and a sequence."""


def formula(maps: list[Array], start: list[Array], attention: list[Array]) -> float:
    total = 0.0
    for now, before, weights in zip(maps, start, attention, strict=True):
        for photograph in range(now.shape[0]):
            for channel in range(now.shape[1]):
                difference = now[photograph, channel] - before[photograph, channel]
                total += 0.5 * weights[channel] * float((difference**2).sum())
    return total


def drawn(seed: int) -> tuple[list[Array], list[Array], list[Array]]:
    attention = [softmax(each[None])[0] for each in normal(seed + 20, *((shape[1],) for shape in SHAPES))]
    return normal(seed, *SHAPES), normal(seed + 10, *SHAPES), attention


def tensors(arrays: list[Array]) -> list[Tensor]:
    return [torch.tensor(array) for array in arrays]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_distance_is_the_formula(seed: int) -> None:
    parts = drawn(seed)
    assert feature_map_distance(*map(tensors, parts)).item() == pytest.approx(formula(*parts), rel=1e-12)


def test_autograd_agrees_with_differences() -> None:
    maps, start, attention = map(tensors, drawn(0))
    leaves = [each.requires_grad_() for each in maps]
    assert gradcheck(lambda *now: feature_map_distance(now, start, attention), leaves)


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_the_distance_is_a_squared_one(seed: int, factor: float) -> None:
    maps, start, attention = map(tensors, drawn(seed))
    further = [before + factor * (now - before) for now, before in zip(maps, start, strict=True)]
    once = feature_map_distance(maps, start, attention).item()
    assert once > 0
    assert feature_map_distance(start, start, attention).item() == 0
    assert feature_map_distance(start, maps, attention).item() == pytest.approx(once, rel=1e-12)
    assert feature_map_distance(further, start, attention).item() == pytest.approx(factor**2 * once, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_attention_is_the_softmax_of_the_rise_without_a_channel(seed: int, shape: tuple[int, ...]) -> None:
    """The rise of a loss that is linear in the maps, measured by leaving each channel out."""
    maps, slopes = normal(seed, shape, shape)

    def loss(seen: Array) -> float:
        return float((slopes * seen).sum()) / len(seen)

    rises = np.zeros(shape[1])
    for channel in range(shape[1]):
        without = maps.copy()
        without[:, channel] = 0
        rises[channel] = loss(without) - loss(maps)
    found = channel_attention(torch.tensor(maps), torch.tensor(slopes / len(maps)))
    np.testing.assert_allclose(found, softmax(rises[None])[0], rtol=1e-10)


@given(st.integers(0, 1000), st.sampled_from(SHAPES))
def test_attention_is_shared_out_among_the_channels(seed: int, shape: tuple[int, ...]) -> None:
    maps, gradients = (torch.tensor(each) for each in normal(seed, shape, shape))
    found = channel_attention(maps, gradients)
    assert found.shape == (shape[1],)
    assert found.min() > 0
    assert found.sum().item() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("train", ["head", "last", "all"])
def test_at_the_start_nothing_is_lost(train: str) -> None:
    tiny = build_finetuning(Strategy(), settings(), train=train)
    assert tiny.losses()["feature maps"].item() == 0
    with torch.no_grad():
        tiny.network.heads[0].bottleneck[2].weight += 0.1
    assert tiny.losses()["feature maps"].item() > 0


def test_the_last_stage_that_learns_and_the_bottleneck_are_watched() -> None:
    """Both layers' distances by hand, after the bottleneck alone was moved and after both were."""
    tiny = build_finetuning(Strategy(weight=3.0), settings())
    network, before = tiny.network, stored_network()
    stage, bottleneck = network.backbones[0][2], network.heads[0].bottleneck
    first, second = (each.detach().double().numpy() for each in tiny.task.extra_modules["attention"].parameters())
    for moved in (bottleneck[2], stage[0]):
        with torch.no_grad():
            moved.weight *= 1.3
            maps, starts = [], []
            for each, kept in ((network, maps), (before, starts)):
                blocks = list(each.backbones[0])
                seen = nn.Sequential(*blocks[:3])(tiny.inputs)
                kept += [seen, each.heads[0].bottleneck[:5](nn.Sequential(*blocks[3:])(seen))]
        pairs = ([each.double().numpy() for each in kept] for kept in (maps, starts))
        expected = 3.0 * formula(*pairs, [first, second])
        assert expected > 0
        assert tiny.losses()["feature maps"].item() == pytest.approx(expected, rel=1e-4)


def drift(strategy: Base) -> float:
    """How far the backbone's features of all images go in a training."""
    tiny = build_finetuning(strategy, settings(epochs=30, lr=0.2))
    tiny.run()
    with torch.no_grad():
        before, after = (each.eval().backbones[0](IMAGES) for each in (stored_network(), tiny.network))
    return (after - before).norm().item()


def test_a_large_weight_keeps_the_feature_maps_near_the_starts() -> None:
    assert drift(Strategy(weight=1.0)) < 0.7 * drift(full.Strategy())


def test_training_changes_neither_the_start_nor_the_attention() -> None:
    tiny = build_finetuning(Strategy(weight=1.0), settings())
    kept = {name: value.clone() for name, value in tiny.task.extra_modules.state_dict().items()}
    assert any(name.startswith("attention.") for name in kept)
    tiny.run()
    for name, value in tiny.task.extra_modules.state_dict().items():
        assert torch.equal(value, kept[name]), name


def test_of_networks_side_by_side_each_is_held_by_its_own_start() -> None:
    tiny = build_finetuning(Strategy(), settings(), outputs=apart(ITEM, DOMAIN))
    assert tiny.losses()["feature maps"].item() == 0
    assert len(list(tiny.task.extra_modules["attention"].parameters())) == 4
