"""Which items are mistaken for which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import IntArray, check_labels


@dataclass(frozen=True)
class Confusion:
    """The number of photographs of one item that were classified as another, and their share of that item's."""

    actual: str
    predicted: str
    photographs: int
    share: float


def confusion_matrix(predicted: IntArray, actual: IntArray, classes: int) -> NDArray[np.int64]:
    """Counts (K, K) with K = `classes`: entry [a, p] is the number of photographs of item a that are classified as p.

    Labels (n,), n > 0, all of them in [0, K), else ValueError.
    """
    check_labels(predicted, actual)
    if min(predicted.min(), actual.min()) < 0 or max(predicted.max(), actual.max()) >= classes:
        raise ValueError(f"a label lies outside [0, {classes})")
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (actual, predicted), 1)
    return matrix


def most_confused(matrix: NDArray[np.int64], items: Sequence[str], most: int = 5) -> list[Confusion]:
    """The `most` frequent errors in a confusion matrix (K, K), the most frequent first, ties by name.

    Row and column k belong to `items[k]`.
    """
    photographs = matrix.sum(axis=1)
    errors = [
        Confusion(items[a], items[p], int(matrix[a, p]), float(matrix[a, p] / photographs[a]))
        for a, p in np.argwhere(matrix)
        if a != p
    ]
    return sorted(errors, key=lambda each: (-each.photographs, each.actual, each.predicted))[:most]
