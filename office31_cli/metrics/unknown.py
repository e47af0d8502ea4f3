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

_ROUNDS, _CLOSE = 300, 1e-6
"""Of expectation maximisation: the most there are, and the change of every probability that ends them."""

_NARROWEST, _LEAST = 1e-3, 1e-9
"""A component's least standard deviation, as a share of all scores' own, and the fewest photographs it can have."""


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
    """Two normal distributions of scores, as wide and as frequent as each other: of known and of unknown photographs.

    Shares and widths that are free to differ fit scores better and divide them worse: on pseudo-shifts with known
    labels (tests/benchmarks/unknown.py) the harmonic mean of the recalls was three to seven points lower, as a wide
    component took in both tails of the other.
    """

    known: float
    unknown: float
    """The means; the second is the larger."""
    deviation: float

    def unknown_probability(self, scores: NDArray[np.floating[Any]]) -> FloatArray:
        """The probability (n,) that each of the scores (n,) is of an unknown photograph."""
        gap = self.unknown - self.known
        logits = gap * (scores.astype(np.float64) - self.threshold) / self.deviation**2
        probabilities: FloatArray = 0.5 * (1 + np.tanh(logits / 2))
        return probabilities

    @property
    def threshold(self) -> float:
        """The score from which unknown is the likelier: halfway between the means."""
        return (self.known + self.unknown) / 2


def fit_mixture(scores: NDArray[np.floating[Any]]) -> Mixture:
    """The mixture of scores (n,) of maximum likelihood, by expectation maximisation from `otsu_threshold`'s parts.

    n > 1 scores that differ, else ValueError.
    """
    x = scores.astype(np.float64)
    if len(x) < 2 or x.min() == x.max():
        raise ValueError("scores that are all the same are no mixture")
    upper = (x > otsu_threshold(x)).astype(np.float64)
    for _ in range(_ROUNDS):
        fitted = _estimate(x, upper)
        updated = fitted.unknown_probability(x)
        done = float(np.abs(updated - upper).max()) < _CLOSE
        upper = updated
        if done:
            break
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
    """The mixture of scores (n,) of which `upper` (n,) parts are unknown; a component without any is at the extreme."""
    weights = (len(x) - float(upper.sum()), float(upper.sum()))
    known = float((1 - upper) @ x) / weights[0] if weights[0] > _LEAST else float(x.min())
    unknown = float(upper @ x) / weights[1] if weights[1] > _LEAST else float(x.max())
    variance = float((1 - upper) @ (x - known) ** 2 + upper @ (x - unknown) ** 2) / len(x)
    return Mixture(known, unknown, max(float(np.sqrt(variance)), _NARROWEST * float(x.std())))
