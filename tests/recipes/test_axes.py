import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.recipes.report.html.axes import Scale, round_ticks, spread_out

values = st.floats(-1e6, 1e6)


@given(values, values, st.integers(3, 9))
def test_ticks_are_round_evenly_spaced_and_enclose_all(first: float, second: float, most: int) -> None:
    low, high = sorted((first, second))
    ticks = round_ticks(low, high, most)
    step = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= most
    assert ticks[0] <= low + 1e-8 * step
    assert ticks[-1] >= high - 1e-8 * step
    assert [b - a for a, b in pairwise(ticks)] == pytest.approx([step] * (len(ticks) - 1))
    mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert any(mantissa == pytest.approx(digit) for digit in (1, 2, 5))


@given(values, values, values)
def test_a_scale_is_a_straight_line_through_its_ends(low: float, width: float, share: float) -> None:
    high = low + abs(width) + 1
    scale = Scale(low, high, 300, 20)
    assert (scale(low), scale(high)) == pytest.approx((300, 20))
    assert scale((low + high) / 2) == pytest.approx(160)


@given(st.lists(st.floats(0, 100), max_size=7))
def test_names_keep_their_order_and_their_distance(places: list[float]) -> None:
    moved = spread_out(places, 10, 100)
    assert all(place <= 100 for place in moved)
    order = sorted(range(len(places)), key=places.__getitem__)
    assert all(moved[after] - moved[before] >= 10 - 1e-9 for before, after in pairwise(order))


def test_names_with_room_stay_where_they_are() -> None:
    assert spread_out([50, 10, 30], 10, 100) == [50, 10, 30]
