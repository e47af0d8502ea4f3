"""Suspected label errors, by a classifier that was not trained on these labels (Northcutt, Jiang and Chuang 2021)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import IntArray

ISSUE_MARGIN = 0.5
"""A label with at least this margin is a suspected error.

With 20 of webcam's 795 labels changed on purpose, a head on frozen features finds nearly all of them and few others.
The thresholds of confident learning, the mean confidence in each item, find three quarters.
"""


def label_issue_margins(probabilities: NDArray[np.floating[Any]], labels: IntArray) -> NDArray[np.float64]:
    """By how much the likeliest other item is more probable than the labelled one, (n,), in [-1, 1].

    Probabilities (n, K) of photographs that the classifier was not trained on, and their labels (n,), else ValueError.
    """
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(f"expected probabilities (n, K) and labels (n,), got {probabilities.shape} and {labels.shape}")
    rest = probabilities.astype(np.float64)
    places = np.arange(len(labels)), labels
    own = rest[places].copy()
    rest[places] = -np.inf
    margins: NDArray[np.float64] = rest.max(1) - own
    return margins
