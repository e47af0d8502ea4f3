"""Whether a network's confidence can be taken at its word, and the one number that mends much of it."""

from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import IntArray, check_labels

FloatArray = NDArray[np.float64]

COLDEST, HOTTEST = 0.05, 20.0
"""Between these a temperature is looked for."""

_HALVINGS = 60
"""Of the interval between their logarithms: what is left is far below a double's precision."""

_SMALLEST = float(np.finfo(np.float64).tiny)
"""What a probability that was rounded to 0 counts as, where its logarithm is needed."""


@dataclass(frozen=True)
class Bin:
    """Photographs whose confidence lies in (low, high]: how many, their mean confidence, the share named rightly."""

    low: float
    high: float
    photographs: int
    confidence: float
    accuracy: float


def reliability_bins(probabilities: NDArray[np.floating[Any]], actual: IntArray, bins: int = 15) -> list[Bin]:
    """Confidence against accuracy, in those of M equally wide bins that hold any photograph (Guo and others 2017).

    `probabilities` is (n, K), `actual` (n,), n > 0, else ValueError. A row's confidence is its largest
    probability. The M bins are closed above: bin m holds confidences in ((m - 1) / M, m / M].
    """
    predicted = probabilities.argmax(axis=1)
    check_labels(predicted, actual)
    confidence = probabilities.max(axis=1).astype(np.float64)
    # Only the inner edges: a softmax that rounds to a little over 1 still falls into the last bin.
    place = np.searchsorted(np.arange(1, bins) / bins, confidence)
    photographs, sure, right = (
        np.bincount(place, weights=each, minlength=bins) for each in (None, confidence, predicted == actual)
    )
    return [
        Bin(m / bins, (m + 1) / bins, int(photographs[m]), sure[m] / photographs[m], right[m] / photographs[m])
        for m in np.flatnonzero(photographs).tolist()
    ]


def expected_calibration_error(probabilities: NDArray[np.floating[Any]], actual: IntArray, bins: int = 15) -> float:
    """The gap between confidence and accuracy, averaged over photographs, in [0, 1] (Guo and others 2017, eq. 3).

    As `reliability_bins` has the bins; raises as that does.
    """
    gaps = (
        row.photographs * abs(row.confidence - row.accuracy) for row in reliability_bins(probabilities, actual, bins)
    )
    return float(sum(gaps) / len(actual))


def log_probabilities(probabilities: NDArray[np.floating[Any]]) -> FloatArray:
    """Their logarithms (n, K), all of them finite, and none above 0."""
    return np.log(np.clip(probabilities.astype(np.float64), _SMALLEST, 1))


def apply_temperature(probabilities: NDArray[np.floating[Any]], temperature: float) -> FloatArray:
    """The softmax (n, K) of the logarithms over a temperature: above 1 every row is less sure, below it surer.

    It is that of the logits over the temperature, as these differ from the logarithms by a constant a row; which item
    is the likeliest stays.
    """
    powers = log_probabilities(probabilities) / temperature
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(probabilities: NDArray[np.floating[Any]], actual: IntArray) -> float:
    """The temperature that makes `actual` (n,) likeliest given `probabilities` (n, K) (Guo and others 2017, 4.2).

    n > 0, else ValueError. Few photographs, all named rightly, would have it at 0. So it is the most probable one
    under a gamma distribution of 1/T with its mode at 1, which counts for as much as one photograph would:
    b - log b, with b = 1/T, is added to the negative log likelihood. Their sum is strictly convex in b, and the root
    of its slope is found by bisection between `COLDEST` and `HOTTEST`.
    """
    check_labels(probabilities.argmax(axis=1), actual)
    logs = log_probabilities(probabilities)
    told = logs[np.arange(len(actual)), actual].sum()

    def slope(b: float) -> float:
        expected = (apply_temperature(probabilities, 1 / b) * logs).sum()
        return float(expected - told) + 1 - 1 / b

    low, high = log(1 / HOTTEST), log(1 / COLDEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(exp(middle)) > 0 else (middle, high)
    return exp(-(low + high) / 2)


def cross_fit_temperature(probabilities: NDArray[np.floating[Any]], actual: IntArray, folds: IntArray) -> FloatArray:
    """The probabilities (n, K), each row at the temperature that all folds but its own ask for; `folds` is (n,).

    So what is learnt of the labels can be scored on the same photographs. Raises as `fit_temperature` does.
    """
    check_labels(folds, actual)
    made = probabilities.astype(np.float64)
    for fold in np.unique(folds):
        inside, others = folds == fold, folds != fold
        if others.any():
            made[inside] = apply_temperature(
                probabilities[inside], fit_temperature(probabilities[others], actual[others])
            )
    return made
