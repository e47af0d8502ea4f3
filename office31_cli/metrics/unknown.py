"""How unlike the known items a photograph looks, and thresholds above which it is called unknown.

`SCORES` are the scores of unknownness: the larger, the less it looks like any item that the network was trained on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_BLOCK = 256
"""Rows whose distances to all others are computed at once."""

_ROUNDS, _CLOSE = 500, 1e-8
"""Of expectation maximisation: the most there are, and the change of the mean log likelihood that ends them."""

_NARROWEST = 0.05
"""A component's least standard deviation, as a share of all scores' own: a few equal scores are no component."""


def energy(logits: NDArray[np.floating[Any]]) -> FloatArray:
    """Minus the logarithm of the sum of the exponentials of each row of logits (n, K), (n,) (Liu and others 2020)."""
    z = logits.astype(np.float64)
    highest = z.max(axis=1)
    scores: FloatArray = -highest - np.log(np.exp(z - highest[:, None]).sum(axis=1))
    return scores


def max_logit(logits: NDArray[np.floating[Any]]) -> FloatArray:
    """The largest of each row of logits (n, K), (n,): large for known items (Hendrycks and others 2022)."""
    highest: FloatArray = logits.max(axis=1).astype(np.float64)
    return highest


def entropy(probabilities: NDArray[np.floating[Any]]) -> FloatArray:
    """The entropy of each row of probabilities (n, K) in nats, (n,), from 0 to log K; 0 log 0 is 0."""
    p = probabilities.astype(np.float64)
    scores: FloatArray = -(p * np.log(p, out=np.zeros_like(p), where=p > 0)).sum(axis=1)
    return scores.clip(min=0)


def neighbour_distance(
    features: NDArray[np.floating[Any]], training: NDArray[np.floating[Any]], k: int = 50
) -> FloatArray:
    """The distance of each feature (n, d) to the k-th nearest of the training features (m, d), in [0, 2], (n,).

    All are scaled to length 1 first (Sun and others 2022). Where m < k it is the farthest; m > 0 and k > 0, else
    ValueError.
    """
    if not len(training) or k < 1:
        raise ValueError(f"there is no neighbour number {k} among {len(training)} features")
    ours, theirs = _unit(features), _unit(training)
    place = min(k, len(theirs)) - 1
    blocks = []
    for first in range(0, len(ours), _BLOCK):
        squared = 2 - 2 * ours[first : first + _BLOCK] @ theirs.T
        blocks.append(np.partition(squared, place, axis=1)[:, place])
    distances: FloatArray = np.sqrt(np.concatenate([np.empty(0), *blocks]).clip(min=0))
    return distances


SCORES: dict[str, Callable[[NDArray[np.floating[Any]]], FloatArray]] = {
    "energy": energy,
    "max_logit": lambda logits: -max_logit(logits),
}
"""Of logits (n, K), by name; `entropy` takes probabilities, `neighbour_distance` features."""


def threshold_for_rate(
    scores: NDArray[np.floating[Any]], rate: float, weights: NDArray[np.floating[Any]] | None = None
) -> float:
    """The threshold that loses at most `rate` of known photographs, given the scores (n,) of some: those above it.

    The ceil((n + 1)(1 - rate))-th smallest score, so that of new photographs like these no more are lost on average;
    infinity where n is too small for that. With `weights` (n,), 0 to 1 each, a score counts as that part of a
    photograph. Raises ValueError unless 0 < rate < 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"a rate lies between 0 and 1, not {rate}")
    order = np.argsort(scores, kind="stable")
    counts = np.ones(len(scores)) if weights is None else weights.astype(np.float64)[order]
    below = counts.cumsum()
    needed = (float(counts.sum()) + 1) * (1 - rate)
    if weights is None:
        needed = ceil(round(needed, 9))  # 0.95 of 100 is 95, not 95.00000000000001
    place = int(np.searchsorted(below, needed - 1e-9))
    return float(scores[order[place]]) if place < len(scores) else inf


@dataclass(frozen=True)
class Mixture:
    """Two normal distributions of scores, the known photographs' and, above it, the unknown ones'."""

    shares: tuple[float, float]
    means: tuple[float, float]
    deviations: tuple[float, float]

    def unknown_probability(self, scores: NDArray[np.floating[Any]]) -> FloatArray:
        """The probability (n,) that each of the scores (n,) is of an unknown photograph: it grows with the score.

        Below the mean of the known and above that of the unknown it is what it is there, so that of two tails, of which
        the wider one wins in the end, neither counts.
        """
        low, high = self.means
        logs = _log_densities(scores.astype(np.float64).clip(low, high), self)
        with np.errstate(over="ignore"):
            probabilities: FloatArray = 1 / (1 + np.exp(logs[:, 0] - logs[:, 1]))
        return probabilities

    @property
    def threshold(self) -> float:
        """The score between the means from which unknown is the likelier; one of the means where none is."""
        low, high = self.means
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self.unknown_probability(np.array([middle]))[0] >= 0.5 else (middle, high)
        return (low + high) / 2


def fit_mixture(scores: NDArray[np.floating[Any]]) -> Mixture:
    """The two-component mixture of scores (n,) of maximum likelihood, by expectation maximisation.

    It starts from the halves on both sides of Otsu's threshold (1979). n > 1 scores that differ, else ValueError.
    """
    x = np.sort(scores.astype(np.float64))
    if len(x) < 2 or x[0] == x[-1]:
        raise ValueError("scores that are all the same are no mixture")
    upper = x > otsu_threshold(x)
    fitted = _estimate(x, upper.astype(np.float64))
    before = -inf
    for _ in range(_ROUNDS):
        logs = _log_densities(x, fitted)
        highest = logs.max(axis=1)
        total = highest + np.log(np.exp(logs - highest[:, None]).sum(axis=1))
        if (likelihood := float(total.mean())) - before < _CLOSE:
            break
        before, fitted = likelihood, _estimate(x, np.exp(logs[:, 1] - total))
    if fitted.means[0] > fitted.means[1]:
        fitted = Mixture(fitted.shares[::-1], fitted.means[::-1], fitted.deviations[::-1])
    return fitted


def mixture_threshold(scores: NDArray[np.floating[Any]]) -> float:
    """The threshold of `fit_mixture`: scores (n,) above it are likelier unknown than known. Raises as that does."""
    return fit_mixture(scores).threshold


def otsu_threshold(scores: NDArray[np.floating[Any]]) -> float:
    """The score (of n > 1, some of which differ) that divides all into two parts of the least variance (Otsu 1979)."""
    x = np.sort(scores.astype(np.float64))
    counts = np.arange(1, len(x))
    sums = x.cumsum()[:-1]
    between = counts * (len(x) - counts) * (sums / counts - (x.sum() - sums) / (len(x) - counts)) ** 2
    place = int(np.where(x[1:] > x[:-1], between, -inf).argmax())
    return float((x[place] + x[place + 1]) / 2)


def _unit(rows: NDArray[np.floating[Any]]) -> FloatArray:
    rows = rows.astype(np.float64)
    unit: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(np.finfo(np.float64).tiny)
    return unit


def _estimate(x: FloatArray, upper: FloatArray) -> Mixture:
    """The components of scores (n,) of which `upper` (n,) parts belong to the second."""
    least = _NARROWEST * float(x.std())
    shares, means, deviations = [], [], []
    for part in (1 - upper, upper):
        weight = max(float(part.sum()), 1e-12)
        mean = float(part @ x) / weight
        shares.append(weight / len(x))
        means.append(mean)
        deviations.append(max(least, float(np.sqrt(part @ (x - mean) ** 2 / weight))))
    return Mixture(*((each[0], each[1]) for each in (shares, means, deviations)))


def _log_densities(x: FloatArray, mixture: Mixture) -> FloatArray:
    """The logarithm of each component's share times its density, (n, 2), but for a constant."""
    columns = [
        np.log(max(share, 1e-300)) - np.log(deviation) - ((x - mean) / deviation) ** 2 / 2
        for share, mean, deviation in zip(mixture.shares, mixture.means, mixture.deviations, strict=True)
    ]
    return np.stack(columns, 1)
