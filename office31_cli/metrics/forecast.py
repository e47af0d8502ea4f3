"""What adapting will bring, from what can be seen without a label of the target.

A network that is adapted names some of the target's photographs otherwise than the one it came from; those that it
names alike count the same before and after. So the accuracy changes by the share named otherwise, `changed`, times what
is won of it: the part that turns from wrong to right less the part that turns from right to wrong.

The constants below were fitted to 69 pseudo-shifts, for which labels are known: a part of a domain's photographs is
the source, the rest, seen coarse, dark, noisy, zoomed, turned, covered, hazy, as a negative, or short of items, the
target (tests/benchmarks/forecast.py makes and fits them). The kinds of estimates were chosen, and the intervals taken,
by leaving out each of the three domains in turn. No pair of real domains took part.
"""

from dataclasses import dataclass
from statistics import NormalDist

_WON = (-0.17, 1.23, -0.79, -1.99)
"""Of what is won, for each of `terms`."""

_WON_WITHIN = 0.30
"""Nine in ten pseudo-shifts won no more, and no less, than this beside the estimate."""

_BEFORE, _BEFORE_WITHIN = (-0.51, 0.23, -1.02), 0.12
"""Of the accuracy before, in normal quantiles: a constant, the source's accuracy, `changed`; nine in ten, as above."""

_LEAST = 0.02
"""Shares below this, or beyond one less it, are too few photographs to tell apart."""

NEGLIGIBLE = 0.025
"""A change of accuracy that is hardly worth the while."""


@dataclass(frozen=True)
class ForecastInputs:
    """What a forecast is made from; shares in [0, 1]."""

    source_accuracy: float
    """On photographs of the source that were not learnt from."""
    changed: float
    """Of the target's photographs, those that adapted heads name otherwise; the mean over heads."""
    confidence: float
    """Of adapted heads in what they name otherwise; 1 where there is nothing."""
    shares_before: float
    """Total variation between the items' shares in the source and those named in the target, before adapting."""
    shares_after: float
    """The same, after."""

    @property
    def terms(self) -> tuple[float, float, float, float]:
        """What a change is worth follows: a constant, how sure it can be, and two signs of other shares of the items.

        The last is how far the shares named before adapting depart beyond what so many errors could explain: then
        the target really holds other shares, which adapting evens out.
        """
        unexplained = max(0.0, self.shares_before - self.changed)
        return 1.0, self.source_accuracy * self.confidence, self.shares_after, unexplained


@dataclass(frozen=True)
class GainForecast:
    """Accuracies on the target as fractions; each interval holds the truth in nine of ten pseudo-shifts."""

    before: float
    before_interval: tuple[float, float]
    after: float
    gain: float
    gain_interval: tuple[float, float]

    @property
    def verdict(self) -> str:
        """`helps`, `hurts`, `hardly` or `open`: what the gain and its interval amount to."""
        low, high = self.gain_interval
        if abs(self.gain) < NEGLIGIBLE:
            return "hardly"
        return "helps" if low > 0 else "hurts" if high < 0 else "open"


def forecast_gain(signs: ForecastInputs) -> GainForecast:
    """The forecast; no accuracy changes by more than the share that is named otherwise."""
    won = sum(weight * term for weight, term in zip(_WON, signs.terms, strict=True))
    normal = NormalDist()
    quantiles = (1.0, *(normal.inv_cdf(_inside(share)) for share in (signs.source_accuracy, signs.changed)))
    before = normal.cdf(sum(weight * each for weight, each in zip(_BEFORE, quantiles, strict=True)))
    gain, low, high = (
        min(1 - before, max(-before, signs.changed * max(-1.0, min(1.0, won + off))))
        for off in (0.0, -_WON_WITHIN, _WON_WITHIN)
    )
    return GainForecast(
        before=before,
        before_interval=(max(0.0, before - _BEFORE_WITHIN), min(1.0, before + _BEFORE_WITHIN)),
        after=before + gain,
        gain=gain,
        gain_interval=(low, high),
    )


def _inside(share: float) -> float:
    return min(1 - _LEAST, max(_LEAST, share))
