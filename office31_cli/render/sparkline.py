"""A curve in a line of text."""

from collections.abc import Sequence
from itertools import pairwise

_BARS = "▁▂▃▄▅▆▇█"


def format_curve(values: Sequence[float], width: int = 24) -> str:
    """A curve with the values that it starts from and ends at: `█▅▃▂▁  2.31 to 0.12`."""
    return f"{draw_sparkline(values, width)}  {values[0]:.3g} to {values[-1]:.3g}"


def draw_sparkline(values: Sequence[float], width: int = 10) -> str:
    """The values' course, low to high, as `width` bars at most, each the mean of its share of the values."""
    if not values:
        return "-"
    count = min(width, len(values))
    edges = [place * len(values) // count for place in range(count + 1)]
    means = [sum(values[start:stop]) / (stop - start) for start, stop in pairwise(edges)]
    low, spread = min(means), max(means) - min(means)
    return "".join(_BARS[round((value - low) / spread * (len(_BARS) - 1)) if spread else 0] for value in means)
