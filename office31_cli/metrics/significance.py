"""Which differences between methods are more than the noise of seeds."""

from collections.abc import Sequence

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


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, raised so that together they err as rarely as one (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
