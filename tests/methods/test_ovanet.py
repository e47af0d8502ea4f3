from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from office31_cli.methods.base import Step
from office31_cli.methods.ovanet import Method, hard_negative, one_vs_all, open_set_entropy
from tests.helpers.losses import SEEDS, Array, normal, source_and_target, value

LABELS = np.array([2, 0, 1, 1, 2])
labels = torch.from_numpy(LABELS)


def sigmoid(z: Array) -> Array:
    p: Array = 1 / (1 + np.exp(-z))
    return p


def of_others(z: Array) -> Array:
    """Of each photograph the largest -log(1 - p) of other items."""
    return np.array(
        [max(-np.log(1 - p[j]) for j in range(3) if j != y) for p, y in zip(sigmoid(z), LABELS, strict=True)]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_they_are_the_formulas(seed: int) -> None:
    (z,) = normal(seed, (5, 3), scale=3)
    p = sigmoid(z)
    own = -np.log(p[np.arange(5), LABELS])
    assert value(partial(hard_negative, labels=labels), z) == pytest.approx(of_others(z).mean(), rel=1e-12)
    assert value(partial(one_vs_all, labels=labels), z) == pytest.approx((own + of_others(z)).mean() / 2, rel=1e-12)
    entropies = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    assert value(open_set_entropy, z) == pytest.approx(entropies.mean(), rel=1e-12)


@pytest.mark.parametrize(
    "loss", [partial(hard_negative, labels=labels), partial(one_vs_all, labels=labels), open_set_entropy]
)
def test_their_gradients_are_right(loss: partial[torch.Tensor]) -> None:
    (z,) = normal(0, (5, 3), scale=3)
    assert gradcheck(loss, torch.tensor(z, requires_grad=True))


def test_a_photograph_trains_its_own_head_and_the_most_wrong_one() -> None:
    z = torch.tensor([[0.0, 3.0, -1.0]], requires_grad=True)
    one_vs_all(z, torch.tensor([0])).backward()
    assert z.grad is not None
    assert (z.grad[0] != 0).tolist() == [True, True, False]
    assert z.grad[0, 0] < 0 < z.grad[0, 1]


@pytest.mark.parametrize("height", [1e4, -1e4])
def test_heads_that_are_sure_have_a_finite_loss_and_gradient(height: float) -> None:
    z = torch.full((5, 3), height, requires_grad=True)
    loss = one_vs_all(z, labels) + open_set_entropy(z)
    assert float(loss.detach()) == pytest.approx(abs(height) / 2)
    loss.backward()
    assert z.grad is not None
    assert z.grad.isfinite().all()


def test_many_at_once_are_each_by_itself() -> None:
    z = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0))
    many = torch.func.vmap(one_vs_all)(z, labels.expand(4, 5))
    torch.testing.assert_close(many, torch.stack([one_vs_all(each, labels) for each in z]))


def test_the_method_trains_heads_on_the_source_and_makes_them_certain_on_the_target() -> None:
    torch.manual_seed(0)
    method = Method(weight=3.0, certain=0.2)
    heads = method.build_extra_modules(nn.Linear(4, 3))
    source, target = source_and_target()
    losses = method.losses(source, target, Step(0.5, 0, heads))
    expected = 3 * one_vs_all(heads["known"](source.features), source.labels)
    torch.testing.assert_close(losses["one against all"], expected)
    torch.testing.assert_close(losses["heads' entropy"], 0.2 * open_set_entropy(heads["known"](target.features)))
    assert (Method().weight, Method().certain, method.unknown_score) == (1.0, 0.1, "known")
