"""Scores for choosing an epoch without target labels: the larger, the better it should be."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 128
"""Rows whose similarities to all others stay in the processor's cache."""

_COMPARED = 8192
"""The most rows that are compared with each other: all pairs of more would take longer than the training."""

Probabilities = NDArray[np.floating[Any]]


def mean_entropy(probabilities: Probabilities) -> float:
    """Minus the mean entropy of the rows in nats, in [-log K, 0]: certain predictions score high.

    Probabilities (n, K), n > 0, else ValueError (Morerio and others 2018).
    """
    return -float(_entropy(_checked(probabilities)).mean())


def information_maximisation(probabilities: Probabilities) -> float:
    """The entropy of the mean row minus the mean entropy, in [0, log K]: certain each, varied together.

    Probabilities (n, K), n > 0, else ValueError (Shi and Sha 2012; Musgrave and others 2022).
    """
    checked = _checked(probabilities)
    return float(_entropy(checked.mean(axis=0)) - _entropy(checked).mean())


def soft_neighbourhood_density(probabilities: Probabilities, temperature: float = 0.05) -> float:
    """How evenly a prediction's neighbours are spread, in [0, log(n - 1)] (Saito and others 2021).

    Probabilities (n, K), n > 1, else ValueError. Every row's cosine similarities to the others make a softmax
    with the temperature; the score is the mean entropy of those. Of more than 8,192 rows, 8,192 evenly
    spaced ones are used.
    """
    checked = _checked(probabilities)
    if len(checked) < 2:
        raise ValueError("one prediction has no neighbours")
    if len(checked) > _COMPARED:
        checked = checked[np.linspace(0, len(checked) - 1, _COMPARED).astype(np.int64)]
    unit = checked / np.linalg.norm(checked, axis=1, keepdims=True)
    blocks = [_spread(unit, first, temperature) for first in range(0, len(unit), _BLOCK)]
    return float(np.concatenate(blocks).mean())


def batch_nuclear_norm(probabilities: Probabilities) -> float:
    """The sum of the singular values over min(n, K): certain and varied predictions score high.

    Probabilities (n, K), n > 0, else ValueError (Cui and others 2020).
    """
    checked = _checked(probabilities)
    return float(np.linalg.norm(checked, "nuc") / min(checked.shape))


VALIDATORS: dict[str, Callable[[Probabilities], float]] = {
    "entropy": mean_entropy,
    "im": information_maximisation,
    "snd": soft_neighbourhood_density,
    "bnm": batch_nuclear_norm,
}
"""By the names that a user types."""

SOURCE = "source"
"""One more, which is no function of probabilities alone: the accuracy on the held-out set of the source."""


def _spread(unit: NDArray[np.float64], first: int, temperature: float) -> NDArray[np.float64]:
    """The entropies of the neighbours of rows `first` to `first + _BLOCK`: log Z - sum p x, with one exponential each.

    Written out over all pairs, with a logarithm of each, it took a second on amazon.
    """
    x = unit[first : first + _BLOCK] @ unit.T / temperature
    itself = np.arange(len(x)), first + np.arange(len(x))
    x[itself] = -np.inf
    x -= x.max(axis=1, keepdims=True)
    weights = np.exp(x)
    x[itself] = 0  # where its weight is 0, too
    total = weights.sum(axis=1)
    entropy: NDArray[np.float64] = np.log(total) - np.einsum("ij,ij->i", weights, x) / total
    return entropy


def _checked(probabilities: Probabilities) -> NDArray[np.float64]:
    """The probabilities in float64; raises ValueError unless they are (n, K) with n > 0."""
    if probabilities.ndim != 2 or not len(probabilities):
        raise ValueError(f"expected probabilities (n, K), n > 0, got {probabilities.shape}")
    return probabilities.astype(np.float64, copy=False)


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The entropy in nats along the last axis, where 0 log 0 is 0."""
    terms = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    terms *= probabilities
    entropy: NDArray[np.float64] = -terms.sum(axis=-1)
    return entropy
