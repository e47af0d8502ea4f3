"""How unlike the source's items each photograph of a whole target looks, from all of its photographs together.

An item that the source does not have is a cluster of the target that lies apart: its photographs are predicted with
little certainty, and are nearer to each other than to any photograph of the source. Photographs beside each other in
the target mostly show the same item, so each one's score is averaged with its neighbours'.

Of the scores tried on pseudo-shifts with known labels (tests/benchmarks/unknown.py) this one had the largest area under
the ROC: 0.94 for open and 0.92 for universal sets, where the entropy alone had 0.92 and 0.88.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.unknown import FloatArray, entropy

NEIGHBOURS = 3
"""Of each photograph, among the target's others."""

_BLOCK = 256
"""Rows whose similarities to all others are computed at once."""


def novelty(
    probabilities: NDArray[np.floating[Any]], closeness: FloatArray, neighbours: NDArray[np.intp]
) -> FloatArray:
    """The scores (n,): the larger, the less a photograph looks like an item of the source.

    From `probabilities` (n, K) that a classifier trained on the source predicts, and the two results of
    `compare_closeness`. Entropy and closeness, each scaled to mean 0 and variance 1, are added; half of a score is the
    mean of the neighbours' sums.
    """
    own = _standardise(entropy(probabilities)) + _standardise(closeness)
    return own if not neighbours.size else (own + own[neighbours].mean(axis=1)) / 2


def compare_closeness(
    target: NDArray[np.floating[Any]], source: NDArray[np.floating[Any]]
) -> tuple[FloatArray, NDArray[np.intp]]:
    """How much nearer each target photograph is to others of the target than to the source, and which are its nearest.

    Of features (n, d) and (m, d), of which each domain's mean is subtracted: (n,), the mean cosine to the three nearest
    of the target less that to the nearest of the source; and these three's places, (n, 3), fewer where n < 4.
    """
    ours, theirs = _centre(target), _centre(source)
    count = min(NEIGHBOURS, len(ours) - 1)
    closeness, neighbours = np.zeros(len(ours)), np.zeros((len(ours), max(count, 0)), dtype=np.intp)
    for first in range(0, len(ours), _BLOCK):
        rows = ours[first : first + _BLOCK]
        similarity = rows @ ours.T
        similarity[np.arange(len(rows)), first + np.arange(len(rows))] = -np.inf
        nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
        neighbours[first : first + len(rows)] = nearest
        within = np.take_along_axis(similarity, nearest, axis=1).mean(axis=1) if count > 0 else 0.0
        closeness[first : first + len(rows)] = within - (rows @ theirs.T).max(axis=1)
    return closeness, neighbours


def _standardise(values: FloatArray) -> FloatArray:
    deviation = float(values.std())
    standard: FloatArray = (values - values.mean()) / (deviation if deviation > 0 else 1.0)
    return standard


def _centre(features: NDArray[np.floating[Any]]) -> FloatArray:
    """Features (n, d) of length 1, less their mean, of length 1 again."""
    rows = _unit(features.astype(np.float64))
    return _unit(rows - rows.mean(axis=0))


def _unit(rows: FloatArray) -> FloatArray:
    unit: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(np.finfo(np.float64).tiny)
    return unit
