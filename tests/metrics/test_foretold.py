import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics.foretold import HARDLY, Foretold, Signs, foretold

SHARES = st.floats(0, 1)


@given(SHARES, SHARES, SHARES, SHARES, SHARES)
def test_no_accuracy_changes_by_more_than_what_is_named_otherwise(
    accuracy: float, changed: float, confidence: float, before: float, after: float
) -> None:
    told = foretold(Signs(accuracy, changed, confidence, before, after))
    low, high = told.gain_interval
    assert low <= told.gain <= high
    assert max(abs(low), abs(high)) <= changed + 1e-9
    assert 0 <= told.before_interval[0] <= told.before <= told.before_interval[1] <= 1
    assert -1e-9 <= told.after <= 1 + 1e-9
    assert told.after == pytest.approx(told.before + told.gain)


def test_surer_heads_promise_more_and_shares_that_depart_from_the_sources_less() -> None:
    usual = foretold(Signs(0.9, 0.4, 0.7, 0.3, 0.2)).gain
    assert foretold(Signs(0.9, 0.4, 0.9, 0.3, 0.2)).gain > usual
    assert foretold(Signs(0.9, 0.4, 0.7, 0.3, 0.4)).gain < usual


def test_other_shares_of_the_items_than_errors_explain_turn_gain_into_loss() -> None:
    """Half of the items are missing before the same camera: few photographs are named otherwise, and wrongly."""
    assert foretold(Signs(0.93, 0.10, 0.85, 0.45, 0.37)).gain < 0 < foretold(Signs(0.93, 0.10, 0.85, 0.1, 0.2)).gain


def test_where_nothing_is_named_otherwise_there_is_nothing_to_gain() -> None:
    told = foretold(Signs(0.9, 0.0, 1.0, 0.1, 0.1))
    assert (told.gain, told.verdict) == (0, "hardly")


@pytest.mark.parametrize(
    ("gain", "interval", "verdict"),
    [
        (0.1, (0.02, 0.18), "helps"),
        (-0.1, (-0.18, -0.02), "hurts"),
        (0.1, (-0.05, 0.25), "open"),
        (-0.1, (-0.25, 0.05), "open"),
        (HARDLY / 2, (0.001, HARDLY), "hardly"),
    ],
)
def test_the_verdict_is_what_gain_and_interval_amount_to(
    gain: float, interval: tuple[float, float], verdict: str
) -> None:
    assert Foretold(0.5, (0.4, 0.6), 0.5 + gain, gain, interval).verdict == verdict
