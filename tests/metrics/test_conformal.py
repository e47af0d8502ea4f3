"""Split conformal prediction keeps its promise, whatever the network is worth."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics.conformal import conformal_scores, conformal_threshold, prediction_sets

COVERAGES = st.integers(1, 99).map(lambda hundredths: hundredths / 100)


def drawn(seed: int, photographs: int, items: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that have little to do with the items; ties among them, as some are rounded."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(items, 0.4), size=photographs).round(int(random.integers(1, 9)))
    return probabilities, random.integers(items, size=photographs)


@given(st.integers(0, 2**32), st.integers(2, 40), COVERAGES)
def test_of_exchangeable_photographs_each_is_covered_as_often_as_promised(
    seed: int, photographs: int, coverage: float
) -> None:
    """Of n + 1 photographs in every order each is the new one equally often: the average is the probability."""
    probabilities, actual = drawn(seed, photographs)
    covered = 0
    for new in range(photographs):
        known = np.arange(photographs) != new
        threshold = conformal_threshold(conformal_scores(probabilities[known], actual[known]), coverage)
        covered += int(prediction_sets(probabilities[new : new + 1], threshold)[0, actual[new]])
    assert Fraction(covered, photographs) >= Fraction(str(coverage))


def test_with_scores_that_differ_it_covers_hardly_more_than_promised() -> None:
    random = np.random.default_rng(5)
    known, fresh = (random.dirichlet(np.full(20, 0.05), size=n) for n in (2000, 4000))
    known_items, fresh_items = (random.integers(20, size=n) for n in (2000, 4000))
    sets = prediction_sets(fresh, conformal_threshold(conformal_scores(known, known_items), 0.9))
    assert sets[np.arange(4000), fresh_items].mean() == pytest.approx(0.9, abs=0.02)


@given(st.integers(0, 2**32), st.integers(1, 300), COVERAGES)
def test_the_threshold_is_the_finite_sample_quantile(seed: int, photographs: int, coverage: float) -> None:
    probabilities, actual = drawn(seed, photographs)
    scores = conformal_scores(probabilities, actual)
    threshold = conformal_threshold(scores, coverage)
    needed = (photographs + 1) * Fraction(str(coverage))
    if needed > photographs:
        assert threshold == math.inf
        assert prediction_sets(probabilities, threshold).all()
    else:
        assert sum(score <= threshold for score in scores) >= needed
        assert sum(score < threshold for score in scores) < needed


def test_a_score_is_minus_the_logarithm_of_the_items_probability() -> None:
    probabilities = np.array([[0.5, 0.25, 0.25], [0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    found = conformal_scores(probabilities, np.array([1, 0, 2]))
    np.testing.assert_allclose(found, sorted([-math.log(0.25), -math.log(0.9), -math.log(0.5)]), rtol=1e-14)
    assert np.isfinite(conformal_scores(probabilities, np.array([0, 2, 0]))).all()


@given(st.integers(0, 2**32), st.integers(1, 40), st.floats(0, 5))
def test_a_set_holds_the_likeliest_and_all_that_are_likely_enough(
    seed: int, photographs: int, threshold: float
) -> None:
    probabilities, _ = drawn(seed, photographs)
    for row, held in zip(probabilities, prediction_sets(probabilities, threshold), strict=True):
        assert held[row.argmax()]
        wanted = {item for item, p in enumerate(row) if p > 0 and -math.log(p) <= threshold} | {int(row.argmax())}
        assert set(np.flatnonzero(held)) == wanted


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.5, 90, math.nan])
def test_a_coverage_lies_between_0_and_1(coverage: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        conformal_threshold(np.array([1.0, 2.0]), coverage)
