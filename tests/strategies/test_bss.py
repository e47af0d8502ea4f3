import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from office31_cli.strategies import full
from office31_cli.strategies.base import Strategy as Base
from office31_cli.strategies.bss import Strategy, smallest_singular_values
from tests.helpers.losses import SEEDS, Array, normal
from tests.helpers.mixed_outputs import DOMAIN, ITEM, apart
from tests.helpers.tiny_finetuning import build_finetuning, settings


def formula(f: Array, k: int) -> float:
    """The squares are the eigenvalues of the smaller one of F'F and FF'."""
    gram = f.T @ f if f.shape[0] >= f.shape[1] else f @ f.T
    return float(sum(sorted(np.linalg.eigvalsh(gram))[:k]))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_it_is_the_formula(seed: int, shape: tuple[int, int], k: int) -> None:
    (f,) = normal(seed, shape)
    assert smallest_singular_values(torch.tensor(f), k).item() == pytest.approx(formula(f, k), rel=1e-8)


def test_one_is_shrunk_unless_more_are_asked_for() -> None:
    assert Strategy().k == 1
    assert smallest_singular_values(torch.diag(torch.tensor([3.0, 2.0, 5.0]))).item() == pytest.approx(4)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
@pytest.mark.parametrize("k", [1, 3])
def test_autograd_agrees_with_differences(shape: tuple[int, int], k: int) -> None:
    (f,) = normal(0, shape)
    assert gradcheck(lambda each: smallest_singular_values(each, k), torch.tensor(f, requires_grad=True))


@given(st.integers(0, 1000), st.integers(1, 4))
def test_no_more_than_all_of_the_features_squares_and_all_of_them_at_last(seed: int, k: int) -> None:
    (f,) = normal(seed, (6, 4))
    found = smallest_singular_values(torch.tensor(f), k).item()
    assert 0 <= found <= k / 4 * (f**2).sum() * (1 + 1e-12)
    assert smallest_singular_values(torch.tensor(f), 99).item() == pytest.approx((f**2).sum(), rel=1e-12)


@given(st.integers(0, 1000), st.integers(1, 4))
def test_turning_the_features_changes_nothing(seed: int, k: int) -> None:
    f, other = normal(seed, (6, 4), (4, 4))
    turned = f @ np.linalg.qr(other)[0]
    found, again = (smallest_singular_values(torch.tensor(each), k).item() for each in (f, turned))
    assert found == pytest.approx(again, rel=1e-6, abs=1e-12)


def test_features_that_are_all_zero_have_a_finite_gradient() -> None:
    f = torch.zeros(4, 3, requires_grad=True)
    smallest_singular_values(f, 2).backward()
    assert f.grad is not None
    assert torch.isfinite(f.grad).all()


@pytest.mark.parametrize("separate", [False, True])
def test_the_strategy_weighs_every_networks_features(separate: bool) -> None:
    outputs = {"outputs": apart(ITEM, DOMAIN)} if separate else {}
    tiny = build_finetuning(Strategy(weight=7.0, k=2), settings(), **outputs)
    with torch.no_grad():
        pairs = zip(tiny.network.backbones, tiny.network.heads, strict=True)
        features = [head.bottleneck(backbone(tiny.inputs)).double().numpy() for backbone, head in pairs]
    expected = 7.0 * sum(formula(each, 2) for each in features)
    assert tiny.losses()["singular values"].item() == pytest.approx(expected, rel=1e-3)


def tail(strategy: Base) -> float:
    """The share of the features' squares that lies in their two smallest singular values, after a training."""
    tiny = build_finetuning(strategy, settings(epochs=40, lr=0.02))
    tiny.run()
    network = tiny.network.eval()
    with torch.no_grad():
        features = network.heads[0].bottleneck(network.backbones[0](tiny.inputs)).double().numpy()
    return formula(features, 2) / float((features**2).sum())


def test_training_shrinks_the_smallest_singular_values() -> None:
    assert tail(Strategy(weight=1.0, k=2)) < tail(full.Strategy()) / 2
