from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from office31_cli.methods.mcc import Method, class_confusion
from tests.helpers.losses import SEEDS, STEP, Array, check_gradients, normal, softmax, source_and_target, value


def certainty(z: Array, temperature: float) -> Array:
    """B (1 + exp(-H)) over the batch's sum."""
    entropies = [-sum(p * np.log(p) for p in row) for row in softmax(z / temperature)]
    each = np.array([1 + np.exp(-entropy) for entropy in entropies])
    return len(z) * each / each.sum()


def formula(z: Array, weights: Array, temperature: float = 2.5) -> float:
    p = softmax(z / temperature)
    confusion = p.T @ np.diag(weights) @ p
    normalised = np.array([row / row.sum() for row in confusion])
    return (normalised.sum() - normalised.trace()) / len(normalised)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("shape", [(6, 4), (3, 5), (1, 3)])
def test_it_is_the_formula(seed: int, temperature: float, shape: tuple[int, int]) -> None:
    (z,) = normal(seed, shape, scale=5)
    expected = formula(z, certainty(z, temperature), temperature)
    assert value(partial(class_confusion, temperature=temperature), z) == pytest.approx(expected, rel=1e-10)


def test_no_gradient_goes_through_the_weights() -> None:
    (z,) = normal(0, (6, 4), scale=5)
    check_gradients(class_confusion, partial(formula, weights=certainty(z, 2.5)), z)


def test_certain_balanced_predictions_confuse_nothing() -> None:
    certain = 1000 * torch.eye(4).repeat(2, 1)
    assert class_confusion(certain) == 0
    assert class_confusion(torch.zeros(8, 4)) == pytest.approx(3 / 4)


def test_a_class_that_nobody_predicts_counts_as_confused() -> None:
    """Its row of the confusion matrix is, in the limit, all on the class that is predicted."""
    of_one_class = 1000 * torch.eye(4)[torch.zeros(8, dtype=torch.long)]
    assert class_confusion(of_one_class) == pytest.approx(3 / 4)


def test_two_halves_are_not_one_batch() -> None:
    z = 5 * torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    halves = (class_confusion(z[:4]) + class_confusion(z[4:])) / 2
    assert abs(class_confusion(z) - halves) > 1e-3


def guarded(z: Array, weights: Array, present: list[int]) -> float:
    """The mean off-diagonal confusion of the rows of items that are there."""
    p = softmax(z / 2.5)
    confusion = p.T @ np.diag(weights) @ p
    return float(np.mean([1 - confusion[row, row] / confusion[row].sum() for row in present]))


PRIOR, KNOWN = np.array([0.5, 0.0, 0.3, 0.2]), np.array([1.0, 0.2, 0.0, 0.7, 1.0, 0.5])


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_of_absent_items_are_left_out_and_unknown_photographs_count_less(seed: int) -> None:
    (z,) = normal(seed, (6, 4), scale=5)
    weights, prior, known = certainty(z, 2.5), torch.from_numpy(PRIOR), torch.from_numpy(KNOWN)
    loss = partial(class_confusion, prior=prior)
    assert value(loss, z) == pytest.approx(guarded(z, weights, [0, 2, 3]), rel=1e-10)
    loss = partial(class_confusion, prior=prior, known=known)
    assert value(loss, z) == pytest.approx(guarded(z, weights * KNOWN.clip(1e-6), [0, 2, 3]), rel=1e-10)
    check_gradients(loss, partial(guarded, weights=weights * KNOWN.clip(1e-6), present=[0, 2, 3]), z)


def test_with_every_item_and_every_photograph_known_it_is_the_same() -> None:
    z = 5 * torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    even = class_confusion(z, prior=torch.full((4,), 0.25), known=torch.ones(6))
    torch.testing.assert_close(even, class_confusion(z))
    assert class_confusion(z, known=torch.zeros(6)).isfinite()


def test_the_method_heeds_what_is_estimated() -> None:
    source, target = source_and_target()
    target = replace(target, known=torch.tensor([1.0, 1, 0, 0, 1, 0.5]))
    now = replace(STEP, prior=torch.tensor([0.7, 0, 0.3]))
    expected = class_confusion(target.logits, prior=now.prior, known=target.known)
    torch.testing.assert_close(Method().losses(source, target, now)["confusion"], expected)


def test_the_method_weighs_the_target_alone() -> None:
    source, target = source_and_target()
    found = Method(weight=7.0, temperature=1.5).losses(source, target, STEP)["confusion"]
    torch.testing.assert_close(found, 7 * class_confusion(target.logits, 1.5))
