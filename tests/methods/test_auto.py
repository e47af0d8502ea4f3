from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from office31_cli.methods import load, mcc
from office31_cli.methods.auto import Method, agreement
from tests.helpers.losses import SEEDS, STEP, Array, check_gradients, normal, softmax, source_and_target, value


def formula(z: Array, p: Array) -> float:
    return float(-np.mean([sum(wanted * np.log(given)) for wanted, given in zip(p, softmax(z), strict=True)]))


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_the_formula(seed: int) -> None:
    z, teachers = normal(seed, (6, 4), (6, 4), scale=2)
    p = softmax(teachers)
    assert value(agreement, z, p) == pytest.approx(formula(z, p), rel=1e-10)


def test_its_gradient_is_the_difference_of_the_probabilities() -> None:
    z, teachers = normal(0, (6, 4), (6, 4), scale=2)
    p = softmax(teachers)
    constant = torch.tensor(p)
    check_gradients(lambda raw: agreement(raw, constant), partial(formula, p=p), z)
    raw = torch.tensor(z, requires_grad=True)
    agreement(raw, constant).backward()
    assert raw.grad is not None
    np.testing.assert_allclose(raw.grad, (softmax(z) - p) / len(z), rtol=1e-9)
    assert torch.autograd.gradcheck(lambda each: agreement(each, constant), raw)


def test_certain_predictions_stay_finite() -> None:
    raw = (1000 * torch.eye(4)).requires_grad_(True)
    loss = agreement(raw, torch.eye(4).flip(0))
    loss.backward()
    assert torch.isfinite(loss)
    assert raw.grad is not None
    assert torch.isfinite(raw.grad).all()


def test_it_is_mcc_and_the_agreement_with_the_teachers() -> None:
    source, target = source_and_target(classes=3)
    guess = torch.softmax(torch.randn(len(target.logits), 3, generator=torch.Generator().manual_seed(0)), 1)
    target = replace(target, pseudo_labels=guess.to(target.logits))
    found = Method(weight=2.0, temperature=1.5, agreed=0.5).losses(source, target, STEP)
    alone = mcc.Method(weight=2.0, temperature=1.5).losses(source, target, STEP)
    assert found["confusion"] == alone["confusion"]
    assert target.pseudo_labels is not None
    torch.testing.assert_close(found["agreement"], 0.5 * agreement(target.logits, target.pseudo_labels))


def test_its_teachers_are_mcc_networks_with_its_settings() -> None:
    teachers = load("auto").from_text("auto", {"teachers": "4", "temperature": "2"}).teacher_methods()
    assert teachers == [mcc.Method(temperature=2.0)] * 4
