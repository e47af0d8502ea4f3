from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from office31_cli.strategies import full, linear
from office31_cli.strategies.l2_sp import Strategy, starting_point_penalty
from tests.helpers.losses import SEEDS, Array, normal
from tests.helpers.tiny_finetuning import build_finetuning, copy_state, settings, squared_distance

SHAPES = ((4, 3), (5,), (2, 3, 2))


def formula(weights: list[Array], start: list[Array], head: list[Array], alpha: float, beta: float) -> float:
    moves = sum(float(((now - before) ** 2).sum()) for now, before in zip(weights, start, strict=True))
    return 0.5 * alpha * moves + 0.5 * beta * sum(float((each**2).sum()) for each in head)


def drawn(seed: int) -> tuple[list[Array], list[Array], list[Array]]:
    return normal(seed, *SHAPES), normal(seed + 10, *SHAPES), normal(seed + 20, (3, 4), (3,))


def tensors(arrays: list[Array]) -> list[Tensor]:
    return [torch.tensor(array, requires_grad=True) for array in arrays]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("alpha", "beta"), [(0.01, 0.01), (0.3, 0.0), (0.0, 2.0), (7.0, 0.5)])
def test_it_is_the_formula(seed: int, alpha: float, beta: float) -> None:
    parts = drawn(seed)
    found = starting_point_penalty(*map(tensors, parts), alpha, beta)
    assert found.item() == pytest.approx(formula(*parts, alpha, beta), rel=1e-12)


def test_both_strengths_are_a_hundredth() -> None:
    parts = drawn(0)
    assert starting_point_penalty(*map(tensors, parts)).item() == pytest.approx(formula(*parts, 0.01, 0.01), rel=1e-12)
    assert (Strategy().alpha, Strategy().beta) == (0.01, 0.01)


def test_its_gradient_pulls_weights_to_the_start_and_the_head_to_zero() -> None:
    parts = drawn(0)
    weights, start, head = map(tensors, parts)
    starting_point_penalty(weights, start, head, 0.3, 0.7).backward()
    for tensor, now, before in zip(weights, *parts[:2], strict=True):
        np.testing.assert_allclose(tensor.grad, 0.3 * (now - before), rtol=1e-12)
    for tensor, now in zip(head, parts[2], strict=True):
        np.testing.assert_allclose(tensor.grad, 0.7 * now, rtol=1e-12)


def test_autograd_agrees_with_differences() -> None:
    weights, start, head = map(tensors, drawn(1))

    def penalty(*values: Tensor) -> Tensor:
        return starting_point_penalty(values[:3], [each.detach() for each in start], values[3:], 0.3, 0.7)

    assert gradcheck(penalty, [*weights, *head])


@given(st.integers(0, 1000), st.floats(0, 10), st.floats(0, 10))
def test_it_is_never_negative_and_nothing_at_the_start_with_a_head_of_zeros(
    seed: int, alpha: float, beta: float
) -> None:
    weights, start, head = map(tensors, drawn(seed))
    penalty = partial(starting_point_penalty, alpha=alpha, beta=beta)
    assert penalty(weights, start, head).item() >= 0
    assert penalty(start, start, [torch.zeros_like(each) for each in head]).item() == 0


def test_without_weights_to_hold_the_head_alone_counts() -> None:
    """As in the first epoch of gradual unfreezing, when nothing below the head learns yet."""
    _, _, head = drawn(0)
    assert starting_point_penalty([], [], tensors(head), 1.0, 0.5).item() == pytest.approx(
        formula([], [], head, 1.0, 0.5), rel=1e-12
    )


@pytest.mark.parametrize("train", ["head", "all"])
def test_the_strategy_holds_on_to_all_that_is_trained_but_the_last_layer(train: str) -> None:
    strategy = Strategy(alpha=0.3, beta=0.7)
    tiny = build_finetuning(strategy, settings(), train=train)
    with torch.no_grad():
        for parameter in tiny.network.parameters():
            parameter.add_(0.1)
    counts = {"head": tiny.network.heads, "all": tiny.network}[train]
    last = tiny.network.heads[0].outputs
    sizes = [sum(value.numel() for value in part.parameters()) for part in (counts, last)]
    squares = sum(float(value.detach().double().square().sum()) for value in last.parameters())
    expected = 0.5 * 0.3 * 0.1**2 * (sizes[0] - sizes[1]) + 0.5 * 0.7 * squares
    assert tiny.losses()["starting point"].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("part", ["backbones.", "heads.0.bottleneck."])
def test_a_strong_pull_keeps_what_was_stored(part: str) -> None:
    how, ends = settings(epochs=60, lr=1e-3), []
    for strategy in (Strategy(alpha=900.0), full.Strategy()):
        tiny = build_finetuning(strategy, how)
        before = {name: value.detach().clone() for name, value in tiny.network.named_parameters()}
        tiny.run()
        ends.append(
            squared_distance(before, {name: value.detach() for name, value in tiny.network.named_parameters()}, part)
        )
    assert 0 < ends[0] < ends[1] / 3


def test_a_strong_decay_shrinks_the_last_layer_and_no_other() -> None:
    tiny = build_finetuning(Strategy(alpha=1e-4, beta=100.0), settings(epochs=30, lr=5e-3))
    before = copy_state(tiny.network)
    tiny.run()
    after = copy_state(tiny.network)
    assert after["heads.0.outputs.weight"].norm() < before["heads.0.outputs.weight"].norm() / 2
    assert after["heads.0.bottleneck.2.weight"].norm() > 0.9 * before["heads.0.bottleneck.2.weight"].norm()


def test_it_replaces_the_usual_weight_decay() -> None:
    assert Strategy().weight_decay == 0
    assert full.Strategy().weight_decay is linear.Strategy().weight_decay is None
