import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from office31_cli.metrics.open_set import UNKNOWN, area_under_roc, harmonic_mean, score_open_set

SEEDS = st.integers(0, 2**32)


def test_they_are_the_fields_definitions() -> None:
    actual = np.array([0, 0, 0, 0, 1, 1, UNKNOWN, UNKNOWN, UNKNOWN])
    predicted = np.array([0, 0, 1, 0, 1, 1, 0, 1, 1])
    scores = np.array([0.1, 0.2, 0.1, 0.9, 0.2, 0.3, 0.8, 0.7, 0.4])
    found = score_open_set(predicted, actual, scores, 0.5)
    assert (found.photographs, found.threshold) == (3, 0.5)
    assert found.recall == pytest.approx(2 / 3)
    assert found.os_star == pytest.approx((2 / 4 + 1) / 2)  # one of item 0 is called 1, one unknown
    assert found.hos == pytest.approx(2 * 0.75 * (2 / 3) / (0.75 + 2 / 3))
    assert found.auroc == pytest.approx(roc_auc_score(actual == UNKNOWN, scores))
    assert list(found.to_json()) == ["photographs", "recall", "os_star", "hos", "auroc", "threshold"]


def test_a_score_at_the_threshold_is_known() -> None:
    found = score_open_set(np.array([0, 0]), np.array([0, UNKNOWN]), np.array([0.5, 0.5]), 0.5)
    assert (found.os_star, found.recall, found.hos, found.auroc) == (1.0, 0.0, 0.0, 0.5)


@given(SEEDS, st.integers(2, 60), st.integers(2, 8))
def test_the_area_is_scikit_learns_with_ties(seed: int, count: int, values: int) -> None:
    draws = np.random.default_rng(seed)
    scores, positive = draws.integers(0, values, count) / 7, draws.random(count) < 0.4
    positive[0], positive[1] = True, False
    assert area_under_roc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


def test_without_both_there_is_no_area_and_no_score() -> None:
    for positive in ([True, True], [False, False]):
        with pytest.raises(ValueError, match="positives and negatives"):
            area_under_roc(np.array([0.1, 0.2]), np.array(positive))
    for actual in ([0, 1], [UNKNOWN, UNKNOWN]):
        with pytest.raises(ValueError, match="known and unknown"):
            score_open_set(np.array([0, 1]), np.array(actual), np.array([0.1, 0.2]), 0.15)


def test_the_harmonic_mean_of_nothing_is_nothing() -> None:
    assert harmonic_mean(0, 0) == harmonic_mean(0, 1) == 0
    assert harmonic_mean(0.5, 1) == pytest.approx(2 / 3)
