"""A forecast of how adaptation will change accuracy on the target, without target labels.

Adaptation changes the prediction of some of the target's photographs and leaves that of all others, so accuracy changes
by `changed`, the share of changed predictions, times their net gain: the fraction of them that becomes correct less the
fraction that becomes wrong. The net gain is a linear function of `ForecastInputs.terms`.

The constants below were fitted to 69 pseudo-shifts, whose labels are known: part of a domain's photographs is the
source; the rest, made coarse, dark, noisy, zoomed, rotated, occluded, hazy or negative, or deprived of items, is the
target (tests/benchmarks/forecast.py makes and fits them). The regressors were chosen, and the intervals computed, by
leaving out each of the three domains in turn. No pair of real domains was used.
"""

from dataclasses import dataclass
from statistics import NormalDist

_NET_GAIN = (-0.17, 1.23, -0.79, -1.99)
"""The net gain's coefficient for each of `ForecastInputs.terms`."""

_NET_GAIN_MARGIN = 0.30
"""Of nine in ten pseudo-shifts the net gain was within this of its estimate."""

_BEFORE, _BEFORE_MARGIN = (-0.51, 0.23, -1.02), 0.12
"""The same for accuracy before adaptation, as a probit: coefficients of 1, and of the probits of the source's accuracy
and of `changed`."""

_SMALLEST_SHARE = 0.02
"""Shares are clipped to this from 0 and from 1: beyond, there are too few photographs to tell them apart."""

NEGLIGIBLE = 0.025
"""A smaller change of accuracy is not worth adapting for."""


@dataclass(frozen=True)
class ForecastInputs:
    """What a gain is forecast from; shares in [0, 1]."""

    source_accuracy: float
    """On the source's held-out set."""
    changed: float
    """Of the target's photographs, those whose prediction adapted heads change; the mean over heads."""
    confidence: float
    """The adapted heads' mean confidence in the predictions they change; 1 where there are none."""
    shares_before: float
    """Total variation between the items' shares in the source and those predicted in the target, before adaptation."""
    shares_after: float
    """The same, after adaptation."""

    @property
    def terms(self) -> tuple[float, float, float, float]:
        """The net gain's regressors: a constant, confidence, and two measures of label shift.

        The last is the part of `shares_before` that prediction errors cannot explain: the target's items then truly
        have other shares, which adaptation tends to even out.
        """
        unexplained = max(0.0, self.shares_before - self.changed)
        return 1.0, self.source_accuracy * self.confidence, self.shares_after, unexplained


@dataclass(frozen=True)
class GainForecast:
    """Accuracies on the target as fractions, with intervals that covered the truth in nine of ten pseudo-shifts."""

    before: float
    before_interval: tuple[float, float]
    after: float
    gain: float
    gain_interval: tuple[float, float]

    @property
    def verdict(self) -> str:
        """`hardly` for a negligible gain, else `helps`, `hurts`, or `open` where the interval contains 0."""
        low, high = self.gain_interval
        if abs(self.gain) < NEGLIGIBLE:
            return "hardly"
        return "helps" if low > 0 else "hurts" if high < 0 else "open"


def forecast_gain(inputs: ForecastInputs) -> GainForecast:
    """The forecast; accuracy changes by no more than the share of changed predictions."""
    net_gain = sum(weight * term for weight, term in zip(_NET_GAIN, inputs.terms, strict=True))
    normal = NormalDist()
    quantiles = (1.0, *(normal.inv_cdf(_clip(share)) for share in (inputs.source_accuracy, inputs.changed)))
    before = normal.cdf(sum(weight * each for weight, each in zip(_BEFORE, quantiles, strict=True)))
    gain, low, high = (
        min(1 - before, max(-before, inputs.changed * max(-1.0, min(1.0, net_gain + off))))
        for off in (0.0, -_NET_GAIN_MARGIN, _NET_GAIN_MARGIN)
    )
    return GainForecast(
        before=before,
        before_interval=(max(0.0, before - _BEFORE_MARGIN), min(1.0, before + _BEFORE_MARGIN)),
        after=before + gain,
        gain=gain,
        gain_interval=(low, high),
    )


def _clip(share: float) -> float:
    return min(1 - _SMALLEST_SHARE, max(_SMALLEST_SHARE, share))
