"""From values to pixels: scales, round numbers to label them with, and the frame that a curve lies in."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from office31_cli.recipes.report.html.svg import line, text


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` as pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


_TINIEST = 1e-200
"""What is smaller counts as nothing."""


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Two to `most`, 3 or more, multiples of 1, 2 or 5 times a power of ten, which enclose `low` and `high`.

    Values that are as good as the same get a scale of their own size.
    """
    size = max(abs(low), abs(high))
    spread = high - low if high - low > max(1e-9 * size, _TINIEST) else size if size > _TINIEST else 1.0
    power = math.floor(math.log10(spread / most))
    for factor in (1, 2, 5, 10, 20, 50):
        step = factor * 10.0**power
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        last = max(last, first + 1)
        if last - first < most:
            return [round(place * step, 1 - power) for place in range(first, last + 1)]
    raise AssertionError("a larger factor always fits")


def frame(
    across: Scale,
    up: Scale,
    rows: Mapping[float, str],
    columns: Mapping[float, str],
    normalize: str,
) -> list[Element]:
    """Faint lines at the values `rows` with what is written on the left of them, what is below, and the unit."""
    drawn = []
    for value, told in rows.items():
        y = up(value)
        drawn += [
            line(across.start, y, across.end, y, "grid"),
            text(across.start - 6, y + 4, told, anchor="end", class_="tick"),
        ]
    base = up.start + 16
    drawn += [text(across(value), base, told, anchor="middle", class_="tick") for value, told in columns.items()]
    return [*drawn, text((across.start + across.end) / 2, base + 15, normalize, anchor="middle", class_="tick")]


def spread_out(places: Sequence[float], gap: float, high: float) -> list[float]:
    """The places, moved so that no two are nearer than `gap` and none is above `high`."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = [*places]
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + gap)
    for place in reversed(order):
        moved[place] = min(moved[place], high)
        high = moved[place] - gap
    return moved
