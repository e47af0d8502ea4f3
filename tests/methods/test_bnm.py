from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from office31_cli.methods.bnm import Method, nuclear_norm
from tests.helpers.losses import SEEDS, STEP, Array, normal, softmax, source_and_target, value


def formula(p: Array) -> float:
    """Singular values are the roots of the eigenvalues of p^T p."""
    eigenvalues = np.linalg.eigvalsh(p @ p.T if len(p) < p.shape[1] else p.T @ p)
    return -sum(np.sqrt(eigenvalue) for eigenvalue in eigenvalues) / min(p.shape)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (1, 3)])
def test_it_is_the_formula(seed: int, shape: tuple[int, int]) -> None:
    (z,) = normal(seed, shape, scale=2)
    assert value(nuclear_norm, softmax(z)) == pytest.approx(formula(softmax(z)), rel=1e-9)


def test_it_is_least_for_certain_predictions_of_different_classes() -> None:
    different = torch.eye(5)[:4]
    same = torch.eye(5)[[0, 0, 0, 0]]
    uniform = torch.full((4, 5), 0.2)
    assert nuclear_norm(different) == pytest.approx(-1)
    assert nuclear_norm(same) == pytest.approx(-(4**0.5) / 4)
    assert nuclear_norm(uniform) == pytest.approx(-((4 / 5) ** 0.5) / 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_certain_predictions_of_every_class_alike_reach_its_bound(seed: int) -> None:
    (z,) = normal(seed, (12, 4), scale=3)
    bound = nuclear_norm(torch.eye(4).repeat(3, 1))
    assert bound == pytest.approx(-((12 / 4) ** 0.5))
    assert value(nuclear_norm, softmax(z)) > bound


PRIOR = torch.tensor([0.5, 0.25, 0.25, 0.0], dtype=torch.float64)


@pytest.mark.parametrize("seed", SEEDS)
def test_with_a_prior_columns_are_scaled_by_its_root(seed: int) -> None:
    (z,) = normal(seed, (6, 4), scale=2)
    p = torch.tensor(softmax(z), requires_grad=True)
    scaled = softmax(z) * np.sqrt(4 * PRIOR.numpy())
    assert float(nuclear_norm(p, PRIOR).detach()) == pytest.approx(formula(scaled), rel=1e-9)
    assert torch.autograd.gradcheck(partial(nuclear_norm, prior=PRIOR[:3] / PRIOR[:3].sum()), p[:, :3])
    even = torch.full((4,), 0.25, dtype=torch.float64)
    torch.testing.assert_close(nuclear_norm(p, even), nuclear_norm(p))


def test_it_is_least_where_each_class_is_predicted_as_often_as_the_prior_says() -> None:
    def of(*counts: int) -> float:
        labels = torch.arange(4).repeat_interleave(torch.tensor(counts))
        return float(nuclear_norm(torch.eye(4, dtype=torch.float64)[labels], PRIOR))

    assert of(4, 2, 2, 0) < min(of(2, 2, 2, 2), of(3, 2, 2, 1), of(5, 2, 1, 0), of(6, 1, 1, 0))


def test_the_method_compares_with_the_prior() -> None:
    source, target = source_and_target()
    prior = torch.tensor([0.5, 0.5, 0])
    found = Method().losses(source, target, replace(STEP, prior=prior))["nuclear norm"]
    torch.testing.assert_close(found, nuclear_norm(target.logits.softmax(1), prior))


def test_the_method_weighs_the_target_alone() -> None:
    source, target = source_and_target()
    found = Method(weight=7.0).losses(source, target, STEP)["nuclear norm"]
    torch.testing.assert_close(found, 7 * nuclear_norm(target.logits.softmax(1)))
