"""The item's cross-entropy weighted by item, against an evaluation in NumPy."""

import numpy as np
import pytest
import torch

from office31_cli.engine.tasks import SupervisedTask
from office31_cli.outputs.base import FloatArray
from tests.helpers.mixed_outputs import BOXED, DOMAIN, GRAMS, ITEM, PAIR, apart, drawn_columns, joined

WEIGHTS = np.array([0.5, 3.0, 1.25])
SMOOTHINGS = (0.0, 0.1, 0.5)


def weighted(raw: FloatArray, labels: np.ndarray, weights: FloatArray, smoothing: float) -> float:
    """Each row's cross-entropy with its smoothed label, a label's share by its weight, over the sum of weights."""
    total = 0.0
    for row, label in zip(raw, labels, strict=True):
        log_p = row - row.max() - np.log(np.exp(row - row.max()).sum())
        shares = [(1 - smoothing) * (place == label) + smoothing / len(row) for place in range(len(row))]
        total -= sum(share * weight * each for share, weight, each in zip(shares, weights, log_p, strict=True))
    return total / sum(weights[label] for label in labels)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_the_items_loss_alone_is_weighted(smoothing: float) -> None:
    outputs = apart(DOMAIN, ITEM.with_weight(0.7), BOXED, GRAMS)
    columns = drawn_columns(9)
    raw, targets = torch.randn(9, outputs.width).double(), torch.from_numpy(outputs.targets(columns))
    plain = outputs.losses(raw, targets, smoothing)
    found = outputs.losses(raw, targets, smoothing, torch.from_numpy(WEIGHTS))
    expected = 0.7 * weighted(raw[:, 2:5].numpy(), columns["item"].astype(int), WEIGHTS, smoothing)
    assert found.pop("item").item() == pytest.approx(expected, rel=1e-12)
    assert plain.pop("item").item() != pytest.approx(expected, rel=1e-3)
    assert found == plain


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_a_pair_has_the_weight_of_its_item(smoothing: float) -> None:
    outputs, columns = joined(PAIR), drawn_columns(9)
    raw, targets = torch.randn(9, outputs.width).double(), outputs.targets(columns)
    found = outputs.losses(raw, torch.from_numpy(targets), smoothing, torch.from_numpy(WEIGHTS))["pair"].item()
    expected = weighted(raw.numpy(), targets[:, 0].astype(int), np.tile(WEIGHTS, 2), smoothing)
    assert found == pytest.approx(expected, rel=1e-12)


def test_an_item_without_a_label_has_no_part_in_the_mean_nor_in_what_is_smoothed() -> None:
    weights, labels = torch.tensor([1.0, 0.0, 2.0]).double(), torch.tensor([[0.0], [2.0]])
    raw = torch.randn(2, 3).double()
    found = joined(ITEM).losses(raw, labels, 0.3, weights)["item"].item()
    assert found == pytest.approx(weighted(raw.numpy(), np.array([0, 2]), weights.numpy(), 0.3), rel=1e-12)


def test_equal_weights_are_no_weights() -> None:
    outputs, columns = joined(ITEM), drawn_columns(9)
    raw, targets = torch.randn(9, 3).double(), torch.from_numpy(outputs.targets(columns))
    found = outputs.losses(raw, targets, 0.1, torch.full((3,), 4.0).double())["item"].item()
    assert found == pytest.approx(outputs.losses(raw, targets, 0.1)["item"].item(), rel=1e-12)


def test_weights_follow_their_task_to_a_device_and_are_not_stored() -> None:
    task = SupervisedTask(torch.nn.Linear(2, 3), joined(ITEM), item_weights=torch.ones(3))
    assert set(task.state_dict()) == {"network.weight", "network.bias"}
    assert task.to("meta").item_weights.is_meta  # type: ignore[union-attr]
