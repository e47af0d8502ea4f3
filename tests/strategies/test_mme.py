import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from office31_cli.models.network import Network, extend_network
from office31_cli.strategies.mme import Strategy, adversarial_entropy
from tests.helpers.losses import SEEDS, Array, check_gradients, normal, softmax, value
from tests.helpers.tiny_finetuning import IMAGES, build_finetuning, settings, stored_network


def formula(z: Array) -> float:
    return sum(sum(p * np.log(p) for p in row) for row in softmax(z)) / len(z)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(6, 4), (1, 3)])
def test_it_is_minus_the_mean_entropy(seed: int, shape: tuple[int, int]) -> None:
    (z,) = normal(seed, shape, scale=3)
    assert value(adversarial_entropy, z) == pytest.approx(formula(z), rel=1e-12)
    check_gradients(adversarial_entropy, formula, z)


def test_autograd_agrees_with_differences() -> None:
    assert gradcheck(adversarial_entropy, torch.tensor(normal(0, (6, 4))[0], requires_grad=True))


@given(st.integers(0, 1000), st.floats(0, 100), st.floats(-100, 100))
def test_it_lies_between_that_of_a_fair_die_and_nothing(seed: int, scale: float, shift: float) -> None:
    (z,) = normal(seed, (6, 4), scale=scale)
    found = value(adversarial_entropy, z)
    assert -math.log(4) - 1e-12 <= found <= 0
    assert value(adversarial_entropy, z + shift) == pytest.approx(found, abs=1e-9)


def cosine_network() -> Network:
    stored = stored_network()
    return extend_network(stored, Strategy().architecture(stored.architecture)).eval()


def answered_with_features_times(factor: float, network: Network) -> Tensor:
    """What the network answers when its bottleneck's features are so much longer."""
    norm = network.heads[0].bottleneck[3]
    with torch.no_grad():
        norm.weight *= factor
        norm.bias *= factor
        answers = network(IMAGES)
        norm.weight /= factor
        norm.bias /= factor
    return answers


def test_the_length_of_the_features_does_not_matter_to_its_head() -> None:
    plain, cosine = stored_network(), cosine_network()
    torch.testing.assert_close(answered_with_features_times(7, cosine), answered_with_features_times(1, cosine))
    assert not torch.allclose(answered_with_features_times(7, plain), answered_with_features_times(1, plain))


def test_its_head_has_no_bias_and_a_temperature_of_a_twentieth() -> None:
    network = cosine_network()
    last = network.heads[0].outputs
    assert last.bias is None
    with torch.no_grad():
        found = network(IMAGES)
        features = network.heads[0].bottleneck[:5](network.backbones[0](IMAGES)).double().numpy()
    directions = features / np.linalg.norm(features, axis=1, keepdims=True)
    np.testing.assert_allclose(found, directions @ last.weight.detach().double().numpy().T / 0.05, rtol=1e-4, atol=1e-5)


def test_its_head_keeps_the_stored_weights() -> None:
    stored, network = stored_network().state_dict(), cosine_network().state_dict()
    assert set(network) == set(stored) - {"heads.0.outputs.bias"}
    for name in network:
        assert torch.equal(network[name], stored[name]), name


def test_the_head_climbs_the_entropy_that_the_features_descend() -> None:
    tiny = build_finetuning(Strategy(weight=3.0), settings())
    last, below = tiny.network.heads[0].outputs.weight, tiny.network.heads[0].bottleneck[2].weight
    loss = tiny.losses()["entropy"]
    entropy = -adversarial_entropy(tiny.network(tiny.rest))
    assert loss.item() == pytest.approx(-3 * entropy.item(), rel=1e-5)
    found, expected = (torch.autograd.grad(each, [last, below]) for each in (loss, entropy))
    torch.testing.assert_close(found[0], -3 * expected[0])
    torch.testing.assert_close(found[1], 3 * expected[1], rtol=1e-4, atol=1e-6)
    assert min(float(each.abs().max()) for each in expected) > 1e-4


def test_a_training_leaves_a_cosine_network_that_has_learnt_the_labels() -> None:
    tiny = build_finetuning(Strategy(), settings(epochs=30, lr=0.01))
    before = tiny.losses()["item"].item()
    tiny.run()
    assert tiny.losses()["item"].item() < before / 4
    assert tiny.network.architecture.cosine
    assert tiny.network.heads[0].outputs.bias is None
    assert Strategy().weight == 0.1
