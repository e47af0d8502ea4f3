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


def test_the_method_weighs_the_target_alone() -> None:
    source, target = source_and_target()
    found = Method(weight=7.0).losses(source, target, STEP)["nuclear norm"]
    torch.testing.assert_close(found, 7 * nuclear_norm(target.logits.softmax(1)))
