"""Which differences between methods or models are more than noise: that of seeds, or of photographs."""

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import ArrayLike

_EXACT = 16
"""Up to so many differences all ways to flip their signs are gone through."""

_DRAWS = 50_000


def sign_flip_test(differences: ArrayLike) -> float:
    """The two-sided p-value of paired differences (n,), n > 0, in (0, 1] (Fisher 1935, section 21).

    If two methods did not differ, each pair's difference could as well have had the other sign: the share of all ways
    to flip signs whose mean is at least as far from zero. Beyond 16 pairs the share among 50,000 drawn ways, the one
    that was observed among them. Raises ValueError where there is no pair.
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
    """The two-sided p-value, in (0, 1], of two networks that name the same photographs (McNemar 1947), exactly.

    `only_first` photographs are named rightly by the first alone, `only_second` by the second alone: if neither was
    better, each of them could as well have fallen to the other. Those that both or neither name rightly tell nothing.
    Raises ValueError below zero.
    """
    if min(only_first, only_second) < 0:
        raise ValueError("fewer than no photographs")
    differ = only_first + only_second
    tail = sum(comb(differ, count) for count in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / (1 << differ))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, raised so that together they err as rarely as one (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
