import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from office31_cli.methods.shot import Method, centroid_labels, information_maximisation
from tests.helpers.losses import SEEDS, STEP, Array, normal, softmax, source_and_target, value


def entropy(p: Array) -> float:
    return -sum(each * np.log(each) for each in p)


def formula(z: Array) -> float:
    p = softmax(z)
    return sum(entropy(row) for row in p) / len(p) - entropy(sum(p) / len(p))


def cosine(a: Array, b: Array) -> float:
    return float(a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b)))


def nearest_centroids(f: Array, p: Array, rounds: int) -> list[int]:
    n, classes = p.shape
    weights = p
    labels: list[int] = []
    for _ in range(rounds):
        centroids = {
            k: sum(weights[i, k] * f[i] for i in range(n)) / weights[:, k].sum()
            for k in range(classes)
            if weights[:, k].sum() > 0
        }
        labels = [max(centroids, key=lambda k: cosine(f[i], centroids[k])) for i in range(n)]
        weights = np.array([[float(k == label) for k in range(classes)] for label in labels])
    return labels


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [(6, 4), (3, 5), (1, 3)])
def test_information_maximisation_is_the_formula(seed: int, shape: tuple[int, int]) -> None:
    (z,) = normal(seed, shape, scale=3)
    assert value(information_maximisation, z) == pytest.approx(formula(z), rel=1e-10, abs=1e-12)


def test_it_is_least_for_certain_predictions_of_every_class() -> None:
    assert information_maximisation(1000 * torch.eye(4).repeat(2, 1)) == pytest.approx(-math.log(4))
    for rows_alike in (torch.zeros(8, 4), 1000 * torch.eye(4)[[0] * 8], torch.randn(1, 4).repeat(8, 1)):
        assert information_maximisation(rows_alike) == pytest.approx(0, abs=1e-6)


PRIOR = torch.tensor([0.6, 0.4, 0.0], dtype=torch.float64)


def guarded(z: Array) -> float:
    """The divergence from the prior, whose absent items have a thousandth before it is normalised."""
    p = softmax(z)
    mean, prior = sum(p) / len(p), PRIOR.numpy().clip(1e-3) / 1.001
    divergence = sum(m * np.log(m / each) for m, each in zip(mean, prior, strict=True))
    return float(sum(entropy(row) for row in p) / len(p) + divergence - np.log(3))


@pytest.mark.parametrize("seed", SEEDS)
def test_with_a_prior_the_mean_prediction_is_compared_with_it(seed: int) -> None:
    (z,) = normal(seed, (6, 3), scale=3)
    loss = partial(information_maximisation, prior=PRIOR)
    assert value(loss, z) == pytest.approx(guarded(z), rel=1e-10)
    assert torch.autograd.gradcheck(loss, torch.tensor(z, requires_grad=True))
    even = partial(information_maximisation, prior=torch.full((3,), 1 / 3, dtype=torch.float64))
    assert value(even, z) == pytest.approx(formula(z), rel=1e-10)


def test_it_is_then_least_for_certain_predictions_in_the_priors_shares() -> None:
    def of(*labels: int) -> float:
        return float(information_maximisation(1000 * torch.eye(3, dtype=torch.float64)[list(labels)], PRIOR))

    assert of(0, 0, 0, 1, 1) < min(of(0, 0, 1, 1, 2), of(0, 0, 1, 1, 1), of(0, 0, 0, 0, 0))


def test_the_method_compares_with_the_prior() -> None:
    source, target = source_and_target()
    prior = torch.tensor([0.5, 0.5, 0.0])
    found = Method().losses(source, target, replace(STEP, prior=prior))["information"]
    torch.testing.assert_close(found, information_maximisation(target.logits, prior))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_labels_are_those_of_the_nearest_centroids(seed: int, rounds: int) -> None:
    f, z = normal(seed, (20, 3), (20, 5), scale=2)
    found = centroid_labels(torch.tensor(f), torch.tensor(softmax(z)), rounds)
    assert found.dtype == torch.long
    assert found.tolist() == nearest_centroids(f, softmax(z), rounds)


def test_a_second_round_changes_labels_and_is_the_default() -> None:
    f, z = map(torch.tensor, normal(0, (20, 3), (20, 5), scale=2))
    assert not torch.equal(centroid_labels(f, z.softmax(1), 1), centroid_labels(f, z.softmax(1), 2))
    assert torch.equal(centroid_labels(f, z.softmax(1)), centroid_labels(f, z.softmax(1), 2))


def test_features_outvote_a_mistaken_prediction() -> None:
    directions = torch.eye(3).repeat_interleave(5, 0) + 0.1 * torch.rand(15, 3)
    truth = torch.arange(3).repeat_interleave(5)
    lengths = torch.linspace(0.1, 10, 15)[:, None]
    predicted = truth.clone()
    predicted[[0, 7]] = 2
    p = (3 * F.one_hot(predicted, 3).float()).softmax(1)
    assert torch.equal(centroid_labels(lengths * directions, p), truth)


def test_a_class_that_nothing_is_labelled_is_given_to_none() -> None:
    """Its centroid would be zero, at a cosine of 0 to all: nearer than the opposite side."""
    f, p = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [-1.0, -0.1]]), torch.tensor([[1.0, 0.0]] * 3)
    for rounds in (1, 2):
        assert centroid_labels(f, p, rounds).tolist() == [0, 0, 0]


def test_a_feature_of_zeros_gets_some_label() -> None:
    f, p = torch.zeros(4, 3), torch.full((4, 5), 0.2)
    assert all(0 <= label < 5 for label in centroid_labels(f, p).tolist())


def test_the_method_weighs_the_pseudo_labels_and_freezes_the_outputs() -> None:
    source, target = source_and_target()
    method = Method(weight=7.0, rounds=1)
    assert method.source_free
    losses = method.losses(source, target, STEP)
    torch.testing.assert_close(losses["information"], information_maximisation(target.logits))
    torch.testing.assert_close(losses["pseudo-labels"], 7 * F.cross_entropy(target.logits, target.pseudo_labels))
    expected = centroid_labels(target.features, target.logits.softmax(1), 1)
    assert torch.equal(method.assign_pseudo_labels(source, target), expected)

    body, outputs = nn.Linear(4, 4), nn.Linear(4, 3)
    method.prepare(body, outputs)
    assert all(parameter.requires_grad for parameter in body.parameters())
    assert not any(parameter.requires_grad for parameter in outputs.parameters())
