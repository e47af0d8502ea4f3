"""How far a network's confidence is from its accuracy, and temperature scaling, which narrows the gap."""

from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import IntArray, check_labels

FloatArray = NDArray[np.float64]

COLDEST, HOTTEST = 0.05, 20.0
"""The bounds of a fitted temperature."""

_HALVINGS = 60
"""Steps of the bisection between their logarithms: what is left is far below a double's precision."""

_SMALLEST = float(np.finfo(np.float64).tiny)
"""Replaces a probability that was rounded to 0, so that its logarithm is finite."""


@dataclass(frozen=True)
class Bin:
    """The photographs whose confidence lies in (low, high]: their number, mean confidence and accuracy."""

    low: float
    high: float
    photographs: int
    confidence: float
    accuracy: float


def reliability_bins(probabilities: NDArray[np.floating[Any]], actual: IntArray, bins: int = 15) -> list[Bin]:
    """The bins of a reliability diagram: M of equal width, without the empty ones (Guo and others 2017).

    `probabilities` is (n, K), `actual` (n,), n > 0, else ValueError. A row's confidence is its largest
    probability. Bin m, of 1 to M, holds confidences in ((m - 1) / M, m / M].
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
    """The mean gap between confidence and accuracy over `reliability_bins`, in [0, 1] (Guo and others 2017, eq. 3).

    Each bin weighs as many as its photographs. Raises ValueError as `reliability_bins` does.
    """
    gaps = (
        row.photographs * abs(row.confidence - row.accuracy) for row in reliability_bins(probabilities, actual, bins)
    )
    return float(sum(gaps) / len(actual))


def log_probabilities(probabilities: NDArray[np.floating[Any]]) -> FloatArray:
    """The logarithms (n, K) of probabilities, all of them finite, and none above 0."""
    return np.log(np.clip(probabilities.astype(np.float64), _SMALLEST, 1))


def apply_temperature(probabilities: NDArray[np.floating[Any]], temperature: float) -> FloatArray:
    """The probabilities (n, K) after temperature scaling: less confident above 1, more so below it.

    The softmax of the log probabilities over the temperature equals that of the logits over it, as the two differ by a
    constant a row. The likeliest item of each row stays the same.
    """
    powers = log_probabilities(probabilities) / temperature
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(probabilities: NDArray[np.floating[Any]], actual: IntArray) -> float:
    """The temperature that best fits `probabilities` (n, K) to `actual` (n,) (Guo and others 2017, section 4.2).

    n > 0, else ValueError. Maximum likelihood would choose 0 where the few photographs are all classified correctly.
    So a gamma prior on b = 1/T with its mode at 1, which weighs as much as one photograph, is added: b - log b beside
    the negative log likelihood. Their sum is strictly convex in b; bisection between `COLDEST` and `HOTTEST` finds the
    root of its slope.
    """
    check_labels(probabilities.argmax(axis=1), actual)
    logs = log_probabilities(probabilities)
    observed = logs[np.arange(len(actual)), actual].sum()

    def slope(b: float) -> float:
        expected = (apply_temperature(probabilities, 1 / b) * logs).sum()
        return float(expected - observed) + 1 - 1 / b

    low, high = log(1 / HOTTEST), log(1 / COLDEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(exp(middle)) > 0 else (middle, high)
    return exp(-(low + high) / 2)


def cross_apply_temperature(probabilities: NDArray[np.floating[Any]], actual: IntArray, folds: IntArray) -> FloatArray:
    """The probabilities (n, K), each fold's rows scaled by the temperature fitted to all other folds; `folds` is (n,).

    So calibration can be scored on the photographs that it is fitted to. Raises as `fit_temperature` does.
    """
    check_labels(folds, actual)
    scaled = probabilities.astype(np.float64)
    for fold in np.unique(folds):
        inside, others = folds == fold, folds != fold
        if others.any():
            scaled[inside] = apply_temperature(
                probabilities[inside], fit_temperature(probabilities[others], actual[others])
            )
    return scaled
