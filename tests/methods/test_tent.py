import math

import numpy as np
import pytest
import torch
from torch import nn

from office31_cli.methods.base import Target
from office31_cli.methods.tent import Method, mean_entropy
from tests.helpers.losses import SEEDS, STEP, Array, normal, softmax, source_and_target, value


def formula(z: Array) -> float:
    return sum(-sum(p * np.log(p) for p in row) for row in softmax(z)) / len(z)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_the_formula(seed: int) -> None:
    (z,) = normal(seed, (6, 4), scale=3)
    assert value(mean_entropy, z) == pytest.approx(formula(z), rel=1e-12)


def test_it_goes_from_nothing_to_that_of_a_fair_die() -> None:
    assert mean_entropy(1000 * torch.eye(4)) == 0
    assert mean_entropy(torch.full((2, 6), 3.0)) == pytest.approx(math.log(6))


def test_scale_and_shift_of_batch_norms_are_all_that_learns() -> None:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 5), nn.BatchNorm1d(5))
    outputs = nn.Linear(5, 3)
    body[1].requires_grad_(False)  # an earlier training may have frozen it
    method = Method()
    assert method.source_free
    assert method.passes == 1
    method.prepare(body, outputs)
    learning = {name for name, parameter in body.named_parameters() if parameter.requires_grad}
    assert learning == {"1.weight", "1.bias", "4.weight", "4.bias"}
    assert not any(parameter.requires_grad for parameter in outputs.parameters())

    source, _ = source_and_target()
    features = body(torch.randn(8, 3, 1, 1))
    target = Target(features, outputs(features))
    loss = method.losses(source, target, STEP)["entropy"]
    torch.testing.assert_close(loss, mean_entropy(target.logits))
    loss.backward()
    assert body[1].weight.grad.abs().max() > 0


def test_batch_norms_without_scale_and_shift_are_no_trouble() -> None:
    Method().prepare(nn.Sequential(nn.BatchNorm1d(4, affine=False)), nn.Linear(4, 3))
