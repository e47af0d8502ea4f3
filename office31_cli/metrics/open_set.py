"""Scores of a network that meets photographs of items it does not know and may answer `unknown`."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from office31_cli.metrics.accuracy import BoolArray, IntArray, check_labels, macro_accuracy

UNKNOWN = -1
"""The number that stands for unknown among predicted and actual items."""


@dataclass(frozen=True)
class OpenSetScores:
    """What came of a domain's known and unknown photographs; fractions in [0, 1]."""

    photographs: int
    """Unknown ones."""
    recall: float
    """UNK: the share of unknown photographs that are called unknown."""
    os_star: float
    """OS*: the mean over known items of the share of photographs that are classified correctly."""
    hos: float
    """The harmonic mean of both (Bucci and others 2020)."""
    auroc: float
    """The area under the ROC of the scores of unknownness, unknown against known."""
    threshold: float
    """The score above which a photograph is called unknown."""

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


def score_open_set(
    predicted: IntArray, actual: IntArray, scores: NDArray[np.floating[Any]], threshold: float
) -> OpenSetScores:
    """The scores of `predicted` items (n,), called unknown where `scores` (n,) of unknownness exceed `threshold`.

    `actual` (n,) are the items, `UNKNOWN` for photographs of items that the network does not know. Raises ValueError
    unless there are both, and for other shapes.
    """
    check_labels(predicted, actual)
    unknown = actual == UNKNOWN
    if not unknown.any() or unknown.all():
        raise ValueError("open-set scores need known and unknown photographs")
    called = np.where(scores > threshold, UNKNOWN, predicted)
    os_star, recall = macro_accuracy(called[~unknown], actual[~unknown]), float((called[unknown] == UNKNOWN).mean())
    return OpenSetScores(
        photographs=int(unknown.sum()),
        recall=recall,
        os_star=os_star,
        hos=harmonic_mean(os_star, recall),
        auroc=area_under_roc(scores, unknown),
        threshold=threshold,
    )


def harmonic_mean(first: float, second: float) -> float:
    """2 a b / (a + b) of two numbers that are not negative; 0 where both are 0."""
    return 2 * first * second / (first + second) if first + second else 0.0


def area_under_roc(scores: NDArray[np.floating[Any]], positive: BoolArray) -> float:
    """The probability that a positive's score (of n) exceeds a negative's, ties counting half; in [0, 1].

    Raises ValueError unless there are both, and for other shapes.
    """
    count = int(positive.sum())
    if scores.shape != positive.shape or scores.ndim != 1 or count in (0, len(positive)):
        raise ValueError("an area under the ROC needs scores (n,) of positives and negatives")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = counts.cumsum() - (counts - 1) / 2  # of tied scores the mean rank, from 1
    above = float(ranks[place][positive].sum()) - count * (count + 1) / 2
    return above / (count * (len(positive) - count))
