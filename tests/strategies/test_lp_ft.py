from itertools import pairwise

import pytest
import torch

from office31_cli.strategies.lp_ft import Strategy
from tests.helpers.tiny_finetuning import build_finetuning, names_of_changed, settings

LAST = {"heads.0.outputs.weight", "heads.0.outputs.bias"}


@pytest.mark.parametrize(("epochs", "probing", "alone"), [(4, 0.5, 2), (2, 0.5, 1), (5, 0.4, 2), (3, 0.5, 2)])
def test_the_last_layer_learns_alone_until_its_share_is_over(epochs: int, probing: float, alone: int) -> None:
    """Until then neither weights nor batch norm statistics of other layers move; then all of them do."""
    tiny = build_finetuning(Strategy(probing=probing), settings(epochs=epochs, weight_decay=1e-3))
    states = tiny.states()
    moves = [names_of_changed(*pair) for pair in pairwise(states)]
    assert moves[:alone] == [LAST] * alone
    assert moves[alone:] == [set(tiny.network.state_dict())] * (epochs - alone)


def test_then_the_backbone_learns_at_a_tenth() -> None:
    tiny = build_finetuning(Strategy(), settings(lr=0.05))
    rates = {id(value): group["lr"] for group in tiny.training.optimizer.param_groups for value in group["params"]}
    for name, parameter in tiny.network.named_parameters():
        assert rates[id(parameter)] == pytest.approx(0.005 if name.startswith("backbones.") else 0.05)


def test_while_the_last_layer_learns_alone_it_sees_the_features_of_evaluation() -> None:
    """Two epochs of it are two steps of gradient descent on fixed features, by hand."""
    tiny = build_finetuning(Strategy(), settings(epochs=4, lr=0.05))
    with torch.no_grad():
        features = tiny.network.heads[0].bottleneck(tiny.network.backbones[0](tiny.inputs)).double()
    last = tiny.network.heads[0].outputs
    weight, bias = last.weight.detach().double().clone(), last.bias.detach().double().clone()
    wanted = torch.eye(3).double()[tiny.targets[:, 0].long()]
    for _ in range(2):
        error = ((features @ weight.T + bias).softmax(1) - wanted) / len(features)
        weight, bias = weight - 0.05 * error.T @ features, bias - 0.05 * error.sum(0)
    reached = tiny.states()[2]
    torch.testing.assert_close(reached["heads.0.outputs.weight"].double(), weight, rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(reached["heads.0.outputs.bias"].double(), bias, rtol=1e-2, atol=1e-3)
