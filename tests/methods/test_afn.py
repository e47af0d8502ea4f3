from functools import partial

import numpy as np
import pytest
import torch

from office31_cli.methods.afn import Method, stepwise_norm
from tests.helpers.losses import SEEDS, STEP, Array, check_gradients, gradients, normal, source_and_target, value


def norm(row: Array) -> float:
    return float(np.sqrt(sum(number**2 for number in row)))


def formula(f: Array, before: list[float], step: float) -> float:
    return sum((norm(row) - (norm_before + step)) ** 2 for row, norm_before in zip(f, before, strict=True)) / len(f)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("step", [0.5, 1.0, 3.0])
def test_it_is_the_formula_with_what_the_norms_are_now_fixed(seed: int, step: float) -> None:
    (f,) = normal(seed, (5, 4), scale=3)
    fixed = partial(formula, before=[norm(row) for row in f], step=step)
    assert value(partial(stepwise_norm, step=step), f) == pytest.approx(fixed(f), rel=1e-12)
    check_gradients(partial(stepwise_norm, step=step), fixed, f)


def test_going_down_it_lengthens_every_feature_alike_and_turns_none() -> None:
    (f,) = normal(0, (5, 4))
    (gradient,) = gradients(stepwise_norm, f)
    lengths = np.linalg.norm(f, axis=1, keepdims=True)
    np.testing.assert_allclose(-gradient, 2 / 5 * f / lengths, rtol=1e-12)


def test_a_feature_of_zeros_is_left_alone() -> None:
    f = np.array([[0.0, 0.0], [3.0, 4.0]])
    (gradient,) = gradients(stepwise_norm, f)
    np.testing.assert_allclose(gradient, [[0, 0], [-0.6, -0.8]], rtol=1e-12)


def test_the_method_weighs_both_domains() -> None:
    source, target = source_and_target()
    source.features.requires_grad_()
    target.features.requires_grad_()
    losses = Method(weight=7.0, step=2.0).losses(source, target, STEP)
    sum(losses.values(), torch.zeros(())).backward()
    for features in (source.features, target.features):
        unit = features.detach() / features.detach().norm(dim=1, keepdim=True)
        torch.testing.assert_close(features.grad, -7 * 2 * 2 * unit / len(features))
