"""A curve in a line of text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.render.sparkline import draw_sparkline, format_curve

BARS = "▁▂▃▄▅▆▇█"

finite = st.floats(-1e6, 1e6)
curves = st.lists(finite, min_size=1, max_size=60)
widths = st.integers(1, 20)


def test_nothing_is_a_dash() -> None:
    assert draw_sparkline([]) == "-"


def test_eight_even_steps_are_the_eight_bars() -> None:
    assert draw_sparkline([float(place) for place in range(8)], 8) == BARS
    assert draw_sparkline([float(-place) for place in range(8)], 8) == BARS[::-1]


@pytest.mark.parametrize("value", [0.0, -3.5, 1e300])
def test_a_flat_curve_is_flat_and_low(value: float) -> None:
    assert draw_sparkline([value] * 4, 4) == BARS[0] * 4


def test_a_bar_is_the_mean_of_its_share_of_the_values() -> None:
    """Means 1, 4.5 and 8: low, halfway, high."""
    assert draw_sparkline([0, 2, 4, 5, 8, 8], 3) in (f"▁{half}█" for half in "▄▅")
    assert draw_sparkline([0, 100, 50, 50], 2) == "▁▁"


def test_ten_bars_unless_told_otherwise() -> None:
    assert len(draw_sparkline([math.sin(place) for place in range(50)])) == 10


def test_a_course_says_where_it_starts_and_ends() -> None:
    assert format_curve([2.3456, 1.0, 0.01234]) == "█▄▁  2.35 to 0.0123"


@given(curves, widths)
def test_there_are_as_many_bars_as_fit_and_both_ends_are_drawn(values: list[float], width: int) -> None:
    drawn = draw_sparkline(values, width)
    assert len(drawn) == min(width, len(values))
    assert set(drawn) <= set(BARS)
    assert BARS[0] in drawn
    assert BARS[-1] in drawn or set(drawn) == {BARS[0]}


@given(curves, widths)
def test_what_falls_is_drawn_as_falling(values: list[float], width: int) -> None:
    drawn = draw_sparkline(sorted(values, reverse=True), width)
    assert list(drawn) == sorted(drawn, reverse=True)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=40), widths, st.integers(-1000, 1000))
def test_only_the_course_matters_and_not_the_level(values: list[int], width: int, level: int) -> None:
    """Powers of two divide and multiply without rounding."""
    shifted = draw_sparkline([4.0 * value for value in values], width)
    assert shifted == draw_sparkline([float(value) for value in values], width)
    single = [float(value + level) for value in values]
    assert draw_sparkline(single, len(single)) == draw_sparkline([float(value) for value in values], len(values))
