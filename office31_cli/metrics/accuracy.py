"""Accuracy over photographs and over items, with its confidence interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class ItemAccuracy:
    """The share of one item's photographs that were classified correctly (its recall)."""

    item: str
    photographs: int
    accuracy: float


def check_labels(predicted: IntArray, actual: IntArray) -> None:
    """Raise ValueError unless both are (n,) with the same n > 0: (n, 1) == (n,) would quietly be (n, n)."""
    if predicted.ndim != 1 or predicted.shape != actual.shape:
        raise ValueError(f"expected two label arrays (n,), got {predicted.shape} and {actual.shape}")
    if not len(actual):
        raise ValueError("there are no photographs to score")


def accuracy(predicted: IntArray, actual: IntArray) -> float:
    """The share of photographs classified correctly, in [0, 1]; labels (n,), n > 0, else ValueError."""
    check_labels(predicted, actual)
    return float(np.mean(predicted == actual))


def macro_accuracy(predicted: IntArray, actual: IntArray) -> float:
    """The mean recall of the items that occur in `actual`, in [0, 1]: each item counts the same.

    Labels (n,), n > 0, else ValueError.
    """
    _, _, recalls = _recalls(predicted, actual)
    return float(recalls.mean())


def accuracy_per_item(predicted: IntArray, actual: IntArray, items: Sequence[str]) -> list[ItemAccuracy]:
    """The recall of every item that occurs in `actual`, in label order; label k is `items[k]`.

    Labels (n,), n > 0, else ValueError.
    """
    labels, photographs, recalls = _recalls(predicted, actual)
    return [
        ItemAccuracy(items[label], int(number), float(recall))
        for label, number, recall in zip(labels, photographs, recalls, strict=True)
    ]


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The confidence interval of an accuracy of `correct` in `total` (Wilson 1927, no continuity correction).

    Unlike the normal approximation it stays within [0, 1] and keeps a width at 0 and at `total`.
    Raises ValueError unless 0 <= correct <= total, 0 < total and 0 < confidence < 1.
    """
    if not 0 <= correct <= total or total == 0:
        raise ValueError(f"{correct} of {total} is not a share")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / total
    scale = 1 + z**2 / total
    centre = (share + z**2 / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / scale
    # The share lies inside by algebra; at 0 and 1, where it is a bound, rounding could put it just outside.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def _recalls(predicted: IntArray, actual: IntArray) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The labels that occur in `actual`, ascending, how often each does, and its recall."""
    check_labels(predicted, actual)
    labels, position, photographs = np.unique(actual, return_inverse=True, return_counts=True)
    return labels, photographs, np.bincount(position, weights=predicted == actual) / photographs
