import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from office31_cli.metrics.accuracy import ItemAccuracy, accuracy, accuracy_per_item, macro_accuracy, wilson_interval

label_pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=60)
shares = st.integers(1, 10_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    predicted, actual = np.array(pairs).T
    return predicted, actual


@given(label_pairs)
def test_accuracy_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted, actual = columns(pairs)
    assert accuracy(predicted, actual) == pytest.approx(accuracy_score(actual, predicted), abs=1e-12)


@given(label_pairs)
def test_macro_accuracy_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted, actual = columns(pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn remarks on predicted items that never occur
        expected = balanced_accuracy_score(actual, predicted)
    assert macro_accuracy(predicted, actual) == pytest.approx(expected, abs=1e-12)


@given(label_pairs)
def test_items_add_up_to_both_accuracies(pairs: list[tuple[int, int]]) -> None:
    predicted, actual = columns(pairs)
    scores = accuracy_per_item(predicted, actual, "abcdef")
    assert [score.item for score in scores] == sorted({"abcdef"[label] for label in actual})
    assert sum(score.photographs for score in scores) == len(actual)
    right = sum(score.photographs * score.accuracy for score in scores)
    assert right / len(actual) == pytest.approx(accuracy(predicted, actual))
    assert np.mean([score.accuracy for score in scores]) == pytest.approx(macro_accuracy(predicted, actual))


def test_an_item_without_photographs_has_no_accuracy() -> None:
    scores = accuracy_per_item(np.array([0, 1, 2]), np.array([0, 0, 2]), ["bike", "mouse", "mug"])
    assert scores == [ItemAccuracy("bike", 2, 0.5), ItemAccuracy("mug", 1, 1.0)]


@pytest.mark.parametrize("metric", [accuracy, macro_accuracy])
@pytest.mark.parametrize("shape", [(0,), (3, 1)])
def test_labels_that_cannot_be_scored_are_refused(
    metric: Callable[[np.ndarray, np.ndarray], float], shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"no photographs|label arrays"):
        metric(np.zeros(shape, dtype=int), np.zeros(shape[0], dtype=int))


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_gives_the_published_values(correct: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


@given(shares, st.floats(0.5, 0.999))
def test_wilson_bounds_are_where_the_score_test_just_rejects(share: tuple[int, int], confidence: float) -> None:
    """By definition, at each bound p0: (p - p0)^2 = z^2 p0 (1 - p0) / n; p lies between, both in [0, 1]."""
    correct, total = share
    low, high = wilson_interval(correct, total, confidence)
    assert 0 <= low <= correct / total <= high <= 1
    assert low < high
    z = norm.ppf((1 + confidence) / 2)
    for bound in (low, high):
        assert (correct / total - bound) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / total, abs=1e-12)


@given(shares, st.integers(2, 50))
def test_more_photographs_and_less_confidence_narrow_the_interval(share: tuple[int, int], times: int) -> None:
    correct, total = share
    low, high = wilson_interval(correct, total)
    more_low, more_high = wilson_interval(times * correct, times * total)
    less_low, less_high = wilson_interval(correct, total, confidence=0.8)
    assert more_high - more_low < high - low
    assert less_high - less_low < high - low


@given(shares)
def test_wilson_interval_of_the_mistakes_is_the_mirror_image(share: tuple[int, int]) -> None:
    correct, total = share
    low, high = wilson_interval(correct, total)
    assert wilson_interval(total - correct, total) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(
    ("correct", "total", "confidence"),
    [(0, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 0.0), (1, 2, 1.0), (1, 2, math.nan)],
)
def test_wilson_interval_refuses_what_is_no_share(correct: int, total: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"is not a share|lies between"):
        wilson_interval(correct, total, confidence)
