from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from office31_cli.methods.jan import Method, joint_mmd
from tests.helpers.losses import SEEDS, STEP, Array, check_gradients, normal, softmax, source_and_target, value


def squared(a: Array, b: Array) -> float:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def mean_over_all_pairs(f_s: Array, f_t: Array) -> float:
    rows = [*f_s, *f_t]
    return sum(squared(a, b) for a in rows for b in rows) / len(rows) ** 2


def formula(f_s: Array, p_s: Array, f_t: Array, p_t: Array, bandwidth: float) -> float:
    def kernel(f: Array, p: Array, f_other: Array, p_other: Array) -> float:
        features = sum(np.exp(-squared(f, f_other) / (2 * alpha * bandwidth)) for alpha in (1 / 8, 1 / 4, 1 / 2, 1, 2))
        return features * np.exp(-squared(p, p_other) / (2 * 0.92**2))

    source, target = list(zip(f_s, p_s, strict=True)), list(zip(f_t, p_t, strict=True))

    def within(rows: list[tuple[Array, Array]]) -> float:
        pairs = [(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
        return sum(kernel(*a, *b) for a, b in pairs) / len(pairs)

    across = [kernel(*a, *b) for a in source for b in target]
    return within(source) + within(target) - 2 * sum(across) / len(across)


def loss(f_s: Tensor, p_s: Tensor, f_t: Tensor, p_t: Tensor) -> Tensor:
    return joint_mmd((f_s, p_s), (f_t, p_t))


def layers(seed: int, n: int = 6, m: int = 6) -> list[Array]:
    f_s, z_s, f_t, z_t = normal(seed, (n, 3), (n, 4), (m, 3), (m, 4), scale=2)
    return [f_s, softmax(z_s), f_t, softmax(z_t)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("n", "m"), [(2, 2), (6, 6), (7, 4)])
def test_it_is_the_formula(seed: int, n: int, m: int) -> None:
    inputs = layers(seed, n, m)
    expected = formula(*inputs, mean_over_all_pairs(inputs[0], inputs[2]))
    assert value(loss, *inputs) == pytest.approx(expected, rel=1e-10)


def test_no_gradient_goes_through_the_bandwidth() -> None:
    inputs = layers(0)
    check_gradients(loss, partial(formula, bandwidth=mean_over_all_pairs(inputs[0], inputs[2])), *inputs)


def test_a_constant_layer_changes_nothing_but_the_number_of_kernels() -> None:
    f_s, p_s, f_t, p_t = map(torch.tensor, layers(0))
    same = torch.ones(6, 2, dtype=torch.float64)
    torch.testing.assert_close(joint_mmd((same, f_s, p_s), (same, f_t, p_t)), 5 * joint_mmd((f_s, p_s), (f_t, p_t)))


def test_it_sees_that_features_and_predictions_go_together_otherwise() -> None:
    """Both marginal distributions agree; only which feature has which prediction does not."""
    features = torch.eye(2, dtype=torch.float64).repeat(10, 1)
    assert joint_mmd((features, features), (features, features)) <= 0
    assert joint_mmd((features, features), (features, features.flip(1))) > 1


def test_on_one_distribution_it_is_nothing_on_average() -> None:
    estimates = np.array([value(loss, *layers(seed, 8, 8)) for seed in range(400)])
    assert abs(estimates.mean()) < 4 * estimates.std() / np.sqrt(len(estimates))


def test_what_cannot_be_estimated_is_refused() -> None:
    three, one = torch.ones(3, 2), torch.ones(1, 2)
    with pytest.raises(ValueError, match="two rows"):
        joint_mmd((one, one), (three, three))
    with pytest.raises(ValueError, match="zip"):
        joint_mmd((three, three), (three,))


def test_the_method_weighs_it() -> None:
    source, target = source_and_target()
    found = Method(weight=7.0).losses(source, target, STEP)["joint mmd"]
    expected = loss(source.features, source.logits.softmax(1), target.features, target.logits.softmax(1))
    torch.testing.assert_close(found, 7 * expected)
