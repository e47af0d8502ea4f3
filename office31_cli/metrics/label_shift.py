"""The share of each item in an unlabelled domain, from a classifier's predictions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROUNDS, _CLOSE = 200, 1e-7

Shares = NDArray[np.float64]


def target_prior(probabilities: NDArray[np.floating[Any]], prior: Shares) -> Shares:
    """The items' shares (K,) in photographs for which a classifier predicts `probabilities` (n, K), n > 0.

    `prior` (K,) holds the items' shares in its training set, all above 0. Maximum likelihood by expectation
    maximisation (Saerens and others 2002), which assumes that photographs of an item look alike in both domains.
    Raises ValueError for other shapes.
    """
    if probabilities.ndim != 2 or not len(probabilities) or prior.shape != probabilities.shape[1:]:
        raise ValueError(f"expected probabilities (n, K) and shares (K,), got {probabilities.shape} and {prior.shape}")
    likelihoods = probabilities.astype(np.float64) / prior
    shares = prior.astype(np.float64)
    for _ in range(_ROUNDS):
        joint = likelihoods * shares
        updated = (joint / joint.sum(1, keepdims=True).clip(np.finfo(float).tiny)).mean(0)
        done = np.abs(updated - shares).sum() < _CLOSE
        shares = updated
        if done:
            break
    return shares


def effective_number(shares: Shares) -> float:
    """The exponential of the entropy of shares (K,): K where all are alike, 1 where one item has all."""
    there = shares[shares > 0]
    return float(np.exp(-(there * np.log(there)).sum()))


def total_variation(first: Shares, second: Shares) -> float:
    """Half the sum of the absolute differences of two distributions (K,), in [0, 1]."""
    return float(np.abs(first - second).sum() / 2)
