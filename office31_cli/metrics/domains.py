"""The distance between two domains in feature space."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import IntArray

Rows = NDArray[np.floating[Any]]

_SHRINKAGE = 0.1
"""Of the covariance towards a multiple of the identity: there may be fewer photographs than features."""

_RIDGE = 1e-12
"""Keeps the covariance of identical rows invertible."""


def proxy_a_distance(source: Rows, target: Rows, source_folds: IntArray, target_folds: IntArray) -> float:
    """2 (1 - 2 err): 0 where a linear classifier cannot tell two domains apart, 2 where it always can.

    Features (n, d) and (m, d), with the number of each row's fold (n,) and (m,). Err is the mean of the two domains'
    error rates by cross-validation over the folds (Ben-David and others 2007); the classifier is Fisher's discriminant.
    Raises ValueError unless both domains have rows inside and outside every fold.
    """
    wrong, counts = np.zeros(2), np.array([len(source), len(target)])
    for fold in np.union1d(source_folds, target_folds):
        held = source[source_folds == fold], target[target_folds == fold]
        seen = source[source_folds != fold], target[target_folds != fold]
        if not all(map(len, (*held, *seen))):
            raise ValueError("each domain needs rows in and out of every fold")
        direction, border = _discriminant(*seen)
        wrong += (held[0] @ direction >= border).sum(), (held[1] @ direction < border).sum()
    return float(2 * (1 - 2 * (wrong / counts).mean()))


def _discriminant(first: Rows, second: Rows) -> tuple[NDArray[np.float64], float]:
    """A direction (d,) and a threshold: rows whose projection reaches it are classified as the second domain's."""
    means = [rows.mean(0, dtype=np.float64) for rows in (first, second)]
    centred = [rows - mean for rows, mean in zip((first, second), means, strict=True)]
    covariance = sum(rows.T @ rows / len(rows) for rows in centred) / 2  # the domains weigh alike, as they do in err
    width = len(covariance)
    shrunk = (1 - _SHRINKAGE) * covariance + (_SHRINKAGE * covariance.trace() / width + _RIDGE) * np.eye(width)
    direction = np.linalg.solve(shrunk, means[1] - means[0])
    return direction, float(direction @ (means[0] + means[1]) / 2)


def squared_mmd(source: Rows, target: Rows) -> float:
    """The squared maximum mean discrepancy of rows (n, d) and (m, d): about 0 for samples of one distribution.

    The unbiased estimate with a Gaussian kernel exp(-d^2 / (2 s^2)), s the median distance of all pairs (Gretton and
    others 2012, equation 3); below 0 by chance, at most 2. Raises ValueError unless n and m are at least 2.
    """
    if min(len(source), len(target)) < 2:
        raise ValueError("two rows or more of each domain are needed")
    squares = _squared_distances(np.concatenate([source, target]).astype(np.float64))
    above = squares[np.triu_indices(len(squares), 1)]
    kernel = np.exp(-squares / (2 * max(float(np.median(above)), np.finfo(float).tiny)))
    n, m = len(source), len(target)
    within = (kernel[:n, :n].sum() - n) / (n * (n - 1)) + (kernel[n:, n:].sum() - m) / (m * (m - 1))
    return float(within - 2 * kernel[:n, n:].mean())


def _squared_distances(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of all pairs of rows (n, d), (n, n); exactly 0 on the diagonal."""
    lengths = (rows**2).sum(1)
    squares: NDArray[np.float64] = (lengths[:, None] + lengths - 2 * rows @ rows.T).clip(0)
    np.fill_diagonal(squares, 0)
    return squares
