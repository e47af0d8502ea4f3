import pytest
import torch

from office31_cli.methods.mcc import class_confusion
from office31_cli.strategies import full
from office31_cli.strategies.base import Strategy as Base
from office31_cli.strategies.mcc import Strategy
from tests.helpers.tiny_finetuning import build_finetuning, settings


def test_it_weighs_the_confusion_of_the_unlabelled_photographs_alone() -> None:
    tiny = build_finetuning(Strategy(weight=7.0, temperature=1.5), settings())
    with torch.no_grad():
        expected = 7 * class_confusion(tiny.network(tiny.rest), 1.5)
        other = 7 * class_confusion(tiny.network(tiny.inputs), 1.5)
    found = tiny.losses()["confusion"].detach()
    torch.testing.assert_close(found, expected)
    assert abs(found - other) > 1e-3


def test_its_numbers_are_those_of_the_method() -> None:
    assert (Strategy().weight, Strategy().temperature) == (1.0, 2.5)


def test_its_gradient_reaches_the_backbone() -> None:
    tiny = build_finetuning(Strategy(), settings())
    (gradient,) = torch.autograd.grad(tiny.losses()["confusion"], [tiny.network.backbones[0][0][0].weight])
    assert gradient.abs().max() > 1e-6


def confusion(strategy: Base) -> tuple[float, float]:
    """Of the unlabelled images, and the loss of the labelled ones, after a training."""
    tiny = build_finetuning(strategy, settings(epochs=60, lr=0.2))
    history = tiny.run()
    with torch.no_grad():
        return class_confusion(tiny.network.eval()(tiny.rest)).item(), history[-1]["item"]


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_training_makes_the_rest_less_confused_while_the_labels_are_learnt(weight: float) -> None:
    (with_rest, loss), (without, _) = confusion(Strategy(weight=weight)), confusion(full.Strategy())
    assert with_rest < 0.7 * without
    assert loss < 0.5  # of three items, log 3 is chance
