"""Sets of items that hold the actual one as often as asked for: split conformal prediction.

The promise holds on photographs that are exchangeable with those that the scores are of, whatever the network is worth;
under a change of camera nothing is promised (Vovk and others 2005; Angelopoulos and Bates 2021, arXiv:2107.07511).

An item's score is minus the logarithm of its probability. One threshold on it gives the smallest sets on average, if
the probabilities are right (Sadinle, Lei and Wasserman 2019). Scores that add up the probabilities of all likelier
items (APS, Romano and others 2020) follow the difficulty of a photograph more closely, but with a network that is
mostly sure the items of next to no probability decide then: on amazon 90 % took 13 items a set where this takes 1.3.
"""

from fractions import Fraction
from math import ceil, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import BoolArray, IntArray, check_labels
from office31_cli.metrics.calibration import FloatArray, log_probabilities


def conformal_scores(probabilities: NDArray[np.floating[Any]], actual: IntArray) -> FloatArray:
    """How strange each actual item looked, (n,) in nats, ascending; probabilities (n, K), n > 0, else ValueError."""
    check_labels(probabilities.argmax(axis=1), actual)
    return np.sort(-log_probabilities(probabilities)[np.arange(len(actual)), actual])


def conformal_threshold(scores: FloatArray, coverage: float) -> float:
    """The ceil((n + 1) coverage)-th smallest of n ascending scores; infinity where n is too small for that.

    The score of one more, exchangeable photograph is no larger with at least that probability. Raises ValueError
    unless 0 < coverage < 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"a coverage lies between 0 and 1, not {coverage}")
    rank = ceil((len(scores) + 1) * Fraction(str(coverage)))  # 0.55 of 100 is 55, not 55.00000000000001
    return float(scores[rank - 1]) if rank <= len(scores) else inf


def prediction_sets(probabilities: NDArray[np.floating[Any]], threshold: float) -> BoolArray:
    """Which items (n, K) each set holds: those whose score is no larger, and always the likeliest.

    With that one in it no set is empty, and the coverage can only be larger.
    """
    held: BoolArray = -log_probabilities(probabilities) <= threshold
    held[np.arange(len(held)), probabilities.argmax(axis=1)] = True
    return held


def cross_prediction_sets(
    probabilities: NDArray[np.floating[Any]], actual: IntArray, folds: IntArray, coverage: float
) -> BoolArray:
    """Each row's set (n, K) by the scores of all folds but its own; `folds` is (n,).

    So the coverage can be measured on the photographs that the scores are of. Raises as those above.
    """
    check_labels(folds, actual)
    held = np.empty(probabilities.shape, dtype=np.bool_)
    for fold in np.unique(folds):
        inside, others = folds == fold, folds != fold
        scores = conformal_scores(probabilities[others], actual[others]) if others.any() else np.empty(0)
        held[inside] = prediction_sets(probabilities[inside], conformal_threshold(scores, coverage))
    return held
