"""Significance tests for differences between methods (over seeds) and between models (over photographs)."""

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import ArrayLike

_EXACT = 16
"""The largest number of pairs for which all sign flips are enumerated."""

_DRAWS = 50_000


def sign_flip_test(differences: ArrayLike) -> float:
    """The two-sided p-value of paired differences (n,), n > 0, in (0, 1] (Fisher 1935, section 21).

    Under the null hypothesis each difference could as well have had the other sign: p is the share of all sign flips
    whose mean is at least as far from zero as the observed one. Beyond 16 pairs it is the share among 50,000 random
    flips, the observed one included. Raises ValueError where there is no pair.
    """
    values = np.asarray(differences, dtype=np.float64).ravel()
    if not len(values):
        raise ValueError("no pair to compare")
    if len(values) <= _EXACT:
        flips = 1 - 2 * ((np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1)
    else:
        flips = np.random.default_rng(0).choice((-1, 1), size=(_DRAWS, len(values)))
        flips[0] = 1
    reached = np.abs(flips @ values)
    return float((reached >= np.abs(values.sum()) - 1e-12 * np.abs(values).sum()).mean())


def mcnemar_test(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value, in (0, 1], of two networks' accuracies on the same photographs (McNemar 1947).

    `only_first` photographs are classified correctly by the first network alone, `only_second` by the second alone;
    under the null hypothesis either is as likely. Those that both or neither classify correctly carry no information.
    Raises ValueError below zero.
    """
    if min(only_first, only_second) < 0:
        raise ValueError("fewer than no photographs")
    differ = only_first + only_second
    tail = sum(comb(differ, count) for count in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / (1 << differ))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, adjusted to control the family-wise error rate (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
