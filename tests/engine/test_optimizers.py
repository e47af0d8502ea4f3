from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from office31_cli.engine.optimizers import (
    build_optimizer,
    parameter_bytes,
    set_learning_rate,
    state_bytes,
)
from office31_cli.engine.settings import LEARNING_RATES, Settings
from office31_cli.strategies.base import ParameterGroup

Vector = npt.NDArray[np.float64]
LR, DECAY = 0.1, 0.01
START = np.array([1.0, -2.0, 0.5])
GRADIENTS = [np.array([0.3, -0.1, 2.0]), np.array([-0.2, 0.4, 1.0]), np.array([0.1, 0.1, -3.0])]


def how(optimizer: str, weight_decay: float = DECAY) -> Settings:
    return Settings(epochs=1, batch_size=2, optimizer=optimizer, lr=LR, seed=0, weight_decay=weight_decay)


def sgd(momentum: float, nesterov: bool) -> Iterator[Vector]:
    """Sutskever 2013 in the form that frameworks use: the buffer adds gradients, the rate multiplies the step."""
    weights, buffer = START.copy(), np.zeros(3)
    for gradient in GRADIENTS:
        decayed = gradient + DECAY * weights
        buffer = momentum * buffer + decayed
        weights = weights - LR * (decayed + momentum * buffer if nesterov else buffer)
        yield weights


def rmsprop() -> Iterator[Vector]:
    """Hinton's lecture 6e, a mean square that forgets by 0.99 a step; epsilon is added to its root."""
    weights, square = START.copy(), np.zeros(3)
    for gradient in GRADIENTS:
        decayed = gradient + DECAY * weights
        square = 0.99 * square + 0.01 * decayed**2
        weights = weights - LR * decayed / (np.sqrt(square) + 1e-8)
        yield weights


def adam(decoupled: bool) -> Iterator[Vector]:
    """Kingma and Ba 2015, algorithm 1; decoupled: Loshchilov and Hutter 2019, algorithm 2."""
    weights, first, second = START.copy(), np.zeros(3), np.zeros(3)
    for step, gradient in enumerate(GRADIENTS, 1):
        seen = gradient if decoupled else gradient + DECAY * weights
        if decoupled:
            weights = weights - LR * DECAY * weights
        first = 0.9 * first + 0.1 * seen
        second = 0.999 * second + 0.001 * seen**2
        weights = weights - LR * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        yield weights


@pytest.mark.parametrize(
    ("name", "textbook"),
    [
        ("sgd", lambda: sgd(0.0, False)),
        ("momentum", lambda: sgd(0.9, False)),
        ("nesterov", lambda: sgd(0.9, True)),
        ("rmsprop", rmsprop),
        ("adam", lambda: adam(False)),
        ("adamw", lambda: adam(True)),
    ],
)
def test_every_step_is_the_textbooks(name: str, textbook: Callable[[], Iterator[Vector]]) -> None:
    weights = nn.Parameter(torch.tensor(START))
    optimizer = build_optimizer([ParameterGroup([weights])], how(name))
    for gradient, expected in zip(GRADIENTS, textbook(), strict=True):
        weights.grad = torch.tensor(gradient)
        optimizer.step()
        np.testing.assert_allclose(weights.detach().numpy(), expected, rtol=1e-12, atol=1e-14)  # steps of 1 cancel


COUNTERS = {"rmsprop", "adam", "adamw"}
"""These count their steps, in four bytes a tensor."""


@pytest.mark.parametrize(
    ("name", "moments"), [("sgd", 0), ("momentum", 1), ("nesterov", 1), ("rmsprop", 1), ("adam", 2), ("adamw", 2)]
)
@pytest.mark.parametrize(("kind", "size"), [(torch.float32, 4), (torch.float64, 8)])
def test_the_state_holds_each_moment_of_every_parameter(name: str, moments: int, kind: torch.dtype, size: int) -> None:
    tensors = [nn.Parameter(torch.ones(5, 4, dtype=kind)), nn.Parameter(torch.ones(3, dtype=kind))]
    optimizer = build_optimizer([ParameterGroup([tensors[0]]), ParameterGroup([tensors[1]], 0.1)], how(name))
    assert (parameter_bytes(optimizer), state_bytes(optimizer)) == (23 * size, 0)  # no step, no moments
    for _ in range(2):
        for tensor in tensors:
            tensor.grad = torch.ones_like(tensor)
        optimizer.step()
    counters = 4 * len(tensors) if name in COUNTERS else 0
    assert parameter_bytes(optimizer) == 23 * size
    assert state_bytes(optimizer) == moments * 23 * size + counters


def test_every_optimizer_that_settings_know_can_be_built() -> None:
    for name in LEARNING_RATES:
        build_optimizer([ParameterGroup([nn.Parameter(torch.zeros(1))])], how(name))


def test_groups_scale_the_rate_and_empty_ones_are_left_out() -> None:
    groups = [
        ParameterGroup([nn.Parameter(torch.zeros(1))], 0.1),
        ParameterGroup([]),
        ParameterGroup([nn.Parameter(torch.zeros(1))]),
    ]
    optimizer = build_optimizer(groups, how("adam"))
    assert [group["lr"] for group in optimizer.param_groups] == [LR * 0.1, LR]


@pytest.mark.parametrize(("progress", "share"), [(0.0, 1.0), (1 / 3, 0.75), (0.5, 0.5), (2 / 3, 0.25), (1.0, 0.0)])
def test_the_rate_follows_half_a_cosine(progress: float, share: float) -> None:
    groups = [ParameterGroup([nn.Parameter(torch.zeros(1))], 0.1), ParameterGroup([nn.Parameter(torch.zeros(1))])]
    optimizer = build_optimizer(groups, how("nesterov"))
    set_learning_rate(optimizer, how("nesterov"), progress)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([LR * 0.1 * share, LR * share], abs=1e-12)


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_the_rate_stays_where_that_is_asked_for(progress: float) -> None:
    settings = replace(how("adam"), schedule="constant")
    groups = [ParameterGroup([nn.Parameter(torch.zeros(1))], 0.1), ParameterGroup([nn.Parameter(torch.zeros(1))])]
    optimizer = build_optimizer(groups, settings)
    set_learning_rate(optimizer, settings, progress)
    assert [group["lr"] for group in optimizer.param_groups] == [LR * 0.1, LR]
