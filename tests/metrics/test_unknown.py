import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from office31_cli.metrics.unknown import (
    SCORES,
    Mixture,
    energy,
    entropy,
    fit_mixture,
    max_logit,
    mixture_threshold,
    neighbour_distance,
    otsu_threshold,
    threshold_for_rate,
)

SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(1, 8), st.integers(2, 5))
def test_the_scores_are_their_definitions(seed: int, rows: int, items: int) -> None:
    z = np.random.default_rng(seed).normal(0, 5, (rows, items))
    each = z.tolist()
    assert energy(z) == pytest.approx([-math.log(sum(math.exp(x) for x in row)) for row in each])
    assert max_logit(z) == pytest.approx([max(row) for row in each])
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert entropy(p) == pytest.approx([-sum(x * math.log(x) for x in row) for row in p.tolist()], abs=1e-12)


def test_they_are_finite_at_the_edges() -> None:
    assert energy(np.array([[1e4, -1e4], [-1e4, -1e4]])) == pytest.approx([-1e4, 1e4 - math.log(2)])
    assert entropy(np.array([[1.0, 0.0], [0.5, 0.5]])) == pytest.approx([0, math.log(2)])


@given(SEEDS, st.integers(1, 6), st.integers(1, 9), st.integers(1, 12))
def test_the_neighbours_distance_is_the_kth_smallest(seed: int, rows: int, count: int, k: int) -> None:
    draws = np.random.default_rng(seed)
    f, training = draws.normal(size=(rows, 3)), draws.normal(size=(count, 3))
    found = neighbour_distance(f, training, k)
    for row, distance in zip(f, found, strict=True):
        each = sorted(math.dist(row / np.linalg.norm(row), other / np.linalg.norm(other)) for other in training)
        assert distance == pytest.approx(each[min(k, count) - 1], abs=1e-7)


def test_without_training_features_nothing_is_near() -> None:
    with pytest.raises(ValueError, match="no neighbour"):
        neighbour_distance(np.ones((2, 3)), np.ones((0, 3)))


@pytest.mark.parametrize("name", SCORES)
def test_a_score_grows_with_unknownness(name: str) -> None:
    known, unknown = np.array([[9.0, 0, 0]]), np.array([[1.0, 0, 0]])
    assert SCORES[name](unknown)[0] > SCORES[name](known)[0]


@given(SEEDS, st.integers(20, 400), st.floats(0.01, 0.5))
def test_no_more_known_photographs_are_lost_than_the_rate(seed: int, count: int, rate: float) -> None:
    scores = np.random.default_rng(seed).normal(size=count)
    threshold = threshold_for_rate(scores, rate)
    assert (scores > threshold).mean() <= rate
    if math.isfinite(threshold):
        assert (scores >= threshold).mean() >= rate - 1 / count  # and not many fewer
        assert threshold == np.sort(scores)[math.ceil(round((count + 1) * (1 - rate), 9)) - 1]


def test_on_new_photographs_the_rate_holds_on_average() -> None:
    draws = np.random.default_rng(0)
    lost = [norm.sf(threshold_for_rate(draws.normal(size=19), 0.05)) for _ in range(4000)]
    assert np.mean(lost) == pytest.approx(0.05, abs=0.003)


def test_a_score_counts_by_its_weight() -> None:
    scores = np.arange(100.0)
    weights = (scores < 50).astype(float)
    assert threshold_for_rate(scores, 0.1, weights) == threshold_for_rate(scores[:50], 0.1)
    assert threshold_for_rate(np.repeat(scores, 2), 0.1, np.full(200, 0.5)) == pytest.approx(90, abs=1)
    assert threshold_for_rate(scores[:3], 0.1) == math.inf


@pytest.mark.parametrize("rate", [0, 1, -0.1])
def test_a_rate_is_a_share(rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        threshold_for_rate(np.arange(9.0), rate)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("width", [0.5, 1.0])
def test_a_mixture_is_found(share: float, width: float) -> None:
    draws = np.random.default_rng(1)
    unknown = draws.random(4000) < share
    scores = np.where(unknown, draws.normal(4, width, 4000), draws.normal(0, width, 4000))
    fitted = fit_mixture(scores)
    assert (fitted.known, fitted.unknown) == pytest.approx((0, 4), abs=0.25)
    assert fitted.deviation == pytest.approx(width, abs=0.1)
    assert mixture_threshold(scores) == fitted.threshold
    assert ((scores > fitted.threshold) == unknown).mean() > 0.96


@given(st.floats(-3, 3), st.floats(0.1, 3), st.floats(0.2, 2))
def test_its_probability_is_bayess(known: float, gap: float, width: float) -> None:
    mixture, scores = Mixture(known, known + gap, width), np.linspace(-4, 7, 50)
    densities = [norm.pdf(scores, mean, width) for mean in (known, known + gap)]
    total = densities[0] + densities[1]
    clear = total > 1e-200
    expected = densities[1][clear] / total[clear]
    assert mixture.unknown_probability(scores)[clear] == pytest.approx(expected, abs=1e-9)
    assert mixture.unknown_probability(np.array([mixture.threshold])) == pytest.approx(0.5)


@given(SEEDS, st.integers(3, 60))
def test_its_probability_grows_with_the_score(seed: int, count: int) -> None:
    fitted = fit_mixture(np.random.default_rng(seed).gamma(1, size=count))
    p = fitted.unknown_probability(np.linspace(-5, 20, 200))
    assert fitted.known < fitted.unknown
    assert (np.diff(p) >= 0).all()
    assert ((p >= 0) & (p <= 1)).all()


def test_without_two_scores_there_is_no_mixture() -> None:
    for scores in ([], [1.0], [2.0, 2.0]):
        with pytest.raises(ValueError, match="all the same"):
            fit_mixture(np.array(scores))


@given(st.lists(st.integers(0, 9), min_size=2, max_size=12).filter(lambda x: len(set(x)) > 1))
def test_otsu_divides_into_the_parts_of_least_variance(scores: list[int]) -> None:
    x = np.array(scores, dtype=float)

    def within(threshold: float) -> float:
        return sum(part.var() * len(part) for part in (x[x <= threshold], x[x > threshold]))

    found = otsu_threshold(x)
    assert within(found) == pytest.approx(min(within(each) for each in sorted(set(scores))[:-1]))
