import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from office31_cli.strategies.co_tuning import Strategy, category_relationship
from tests.helpers.losses import SEEDS, Array, normal, softmax
from tests.helpers.tiny_finetuning import build_finetuning, copy_state, settings, stored_network

LABELS = [0, 2, 2, 4, 0, 2]
"""Of five classes two have no photographs."""


def formula(p: Array, labels: list[int], classes: int) -> Array:
    rows = []
    for number in range(classes):
        own = [row for row, label in zip(p, labels, strict=True) if label == number]
        rows.append(sum(own) / len(own) if own else np.full(p.shape[1], 1 / p.shape[1]))
    return np.array(rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_relationship_is_the_formula(seed: int) -> None:
    p = softmax(normal(seed, (6, 7))[0])
    found = category_relationship(torch.tensor(p), torch.tensor(LABELS), 5)
    np.testing.assert_allclose(found, formula(p, LABELS, 5), rtol=1e-12)


def test_autograd_agrees_with_differences() -> None:
    p = torch.tensor(softmax(normal(0, (6, 7))[0]), requires_grad=True)
    assert gradcheck(lambda each: category_relationship(each, torch.tensor(LABELS), 5), p)


@given(st.integers(0, 1000), st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_every_row_is_a_distribution(seed: int, labels: list[int]) -> None:
    p = softmax(normal(seed, (len(labels), 3), scale=5)[0])
    found = category_relationship(torch.tensor(p), torch.tensor(labels), 5).numpy()
    assert found.shape == (5, 3)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-12)


def test_a_class_that_the_stored_network_knows_is_related_to_itself_alone() -> None:
    labels = torch.tensor([2, 0, 1, 0])
    assert torch.equal(category_relationship(torch.eye(3)[labels], labels, 3), torch.eye(3))


def test_the_strategy_asks_the_stored_network_and_keeps_what_it_said() -> None:
    tiny = build_finetuning(Strategy(), settings())
    with torch.no_grad():
        p = softmax(stored_network()(tiny.inputs).double().numpy())
    expected = formula(p, tiny.targets[:, 0].int().tolist(), 3)
    for _ in range(2):
        rows = tiny.task.extra_modules["related"].weight.detach().double().numpy()
        np.testing.assert_allclose(rows, expected, rtol=1e-5)
        np.testing.assert_allclose(rows.sum(1), 1, rtol=1e-6)
        tiny.run()


def test_its_loss_is_the_second_layers_cross_entropy_against_the_relationship() -> None:
    tiny = build_finetuning(Strategy(weight=7.0), settings())
    related, second = tiny.task.extra_modules["related"].weight, tiny.task.extra_modules["source"]
    with torch.no_grad():
        second.weight *= 3
        features = tiny.network.heads[0].bottleneck(tiny.network.backbones[0](tiny.inputs))
        p = softmax(second(features).double().numpy())
    wanted = related.detach().double().numpy()[tiny.targets[:, 0].int().tolist()]
    expected = 7.0 * -(wanted * np.log(p)).sum(1).mean()
    assert tiny.losses()["source classes"].item() == pytest.approx(expected, rel=1e-5)
    assert Strategy().weight == 2.3


def test_the_second_layer_starts_as_the_stored_one_learns_and_is_not_stored() -> None:
    tiny = build_finetuning(Strategy(), settings())
    names, start = set(stored_network().state_dict()), copy_state(tiny.task.extra_modules["source"])
    for name, value in start.items():
        assert torch.equal(value, stored_network().state_dict()[f"heads.0.outputs.{name}"])
    tiny.run()
    end, last = copy_state(tiny.task.extra_modules["source"]), tiny.network.heads[0].outputs.state_dict()
    for name, value in end.items():
        assert not torch.equal(value, start[name])
        assert not torch.equal(value, last[name])  # the two have parted
    assert set(tiny.network.state_dict()) == names
