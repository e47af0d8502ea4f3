"""Which of its source's items an unlabelled target shows, and whether it shows others: decided without its labels.

The constants below were fitted to pseudo-shifts, whose labels are known: part of a domain's photographs is the source;
the rest, seen otherwise and with items taken away or added, is the target (tests/benchmarks/unknown.py makes and fits
them). No pair of real domains was used.
"""

from dataclasses import dataclass
from math import exp

_UNKNOWN = (-11.97, 11.09, 18.86)
"""Of a logistic regression: a constant, and the weights of `uncertain` and `apart`: right on 96 % of 144."""

_FEWEST_ITEMS, _FEWEST_ITEMS_BESIDE_UNKNOWN = 0.44, 0.73
"""A target with a smaller share of items lacks some of the source's.

Of all photographs the share was 0.34 on pseudo-shifts that lacked two items in three, with a standard deviation of
0.05, and 0.88 on those that lacked none: the first is two deviations above the one, as predictions that are merely poor
gather on few items as well. Of photographs that seemed known beside unknown ones it was 0.54 where half of the items
were missing, and 0.93 where none was: the second is halfway.
"""

FEWEST_PHOTOGRAPHS = 30
"""With fewer photographs of the target nothing is decided: it is taken to hold the source's items."""

_LEAST_ACCURACY = 0.7
"""Nor where the heads are less accurate on the source itself: of the pseudo-shifts they were on none."""


@dataclass(frozen=True)
class SettingEvidence:
    """What the setting is decided from; all but the first are shares."""

    photographs: int
    """Of the target."""
    source_accuracy: float
    """Of the heads, each on the fifth of the source that it has not seen."""
    apart_share: float
    """Photographs that look less like the source's items than like something else: the upper part of a two-component
    mixture of `novelty`. In a target without unknown items they are merely the harder half."""
    uncertain: float
    """These photographs' mean entropy over the largest one possible."""
    apart: float
    """How much nearer they are to each other than to the source, in cosines, less that of the other photographs."""
    items: float
    """The number of items in the target over that in the source: exponentials of the entropies of the items' shares,
    estimated from all photographs, or from the others alone where there are unknown items."""
    missing: int
    """Items of the source whose share, estimated so, is below half of that in the source."""

    @property
    def unknown_probability(self) -> float:
        """The probability that there are unknown items, in [0, 1]."""
        constant, uncertain, apart = _UNKNOWN
        return 1 / (1 + exp(-(constant + uncertain * self.uncertain + apart * self.apart)))

    @property
    def has_unknown(self) -> bool:
        """Whether the target is taken to show items that the source does not have."""
        return self.unknown_probability > 0.5

    @property
    def has_missing(self) -> bool:
        """Whether the target is taken to lack items of the source."""
        return self.items < (_FEWEST_ITEMS_BESIDE_UNKNOWN if self.has_unknown else _FEWEST_ITEMS)


def decide_setting(evidence: SettingEvidence) -> str:
    """`closed`, `partial` (items of the source are missing), `open` (others are there) or `universal` (both)."""
    if evidence.photographs < FEWEST_PHOTOGRAPHS or evidence.source_accuracy < _LEAST_ACCURACY:
        return "closed"
    if evidence.has_unknown:
        return "universal" if evidence.has_missing else "open"
    return "partial" if evidence.has_missing else "closed"
