"""Whether a network's confidence can be taken at its word."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import IntArray, check_labels


def expected_calibration_error(probabilities: NDArray[np.floating[Any]], actual: IntArray, bins: int = 15) -> float:
    """The gap between confidence and accuracy, averaged over photographs, in [0, 1] (Guo et al. 2017, eq. 3).

    `probabilities` is (n, K), `actual` (n,), n > 0, else ValueError. A row's confidence is its largest
    probability. The M bins are equally wide and closed above: bin m holds confidences in ((m - 1) / M, m / M].
    """
    predicted = probabilities.argmax(axis=1)
    check_labels(predicted, actual)
    confidence = probabilities.max(axis=1).astype(np.float64)
    # Only the inner edges: a softmax that rounds to a little over 1 still falls into the last bin.
    edges = np.arange(1, bins) / bins
    surplus = np.bincount(np.searchsorted(edges, confidence), weights=confidence - (predicted == actual))
    # A bin weighs its share of the photographs, so its mean gap times its weight is its summed gap over n.
    return float(np.abs(surplus).sum() / len(actual))
