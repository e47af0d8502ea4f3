import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics.forecast import NEGLIGIBLE, ForecastInputs, GainForecast, forecast_gain

SHARES = st.floats(0, 1)


@given(SHARES, SHARES, SHARES, SHARES, SHARES)
def test_no_accuracy_changes_by_more_than_what_is_named_otherwise(
    accuracy: float, changed: float, confidence: float, before: float, after: float
) -> None:
    told = forecast_gain(ForecastInputs(accuracy, changed, confidence, before, after))
    low, high = told.gain_interval
    assert low <= told.gain <= high
    assert max(abs(low), abs(high)) <= changed + 1e-9
    assert 0 <= told.before_interval[0] <= told.before <= told.before_interval[1] <= 1
    assert -1e-9 <= told.after <= 1 + 1e-9
    assert told.after == pytest.approx(told.before + told.gain)


def test_surer_heads_promise_more_and_shares_that_depart_from_the_sources_less() -> None:
    usual = forecast_gain(ForecastInputs(0.9, 0.4, 0.7, 0.3, 0.2)).gain
    assert forecast_gain(ForecastInputs(0.9, 0.4, 0.9, 0.3, 0.2)).gain > usual
    assert forecast_gain(ForecastInputs(0.9, 0.4, 0.7, 0.3, 0.4)).gain < usual


def test_other_shares_of_the_items_than_errors_explain_turn_gain_into_loss() -> None:
    """Half of the items are missing before the same camera: few photographs are named otherwise, and wrongly."""
    assert (
        forecast_gain(ForecastInputs(0.93, 0.10, 0.85, 0.45, 0.37)).gain
        < 0
        < forecast_gain(ForecastInputs(0.93, 0.10, 0.85, 0.1, 0.2)).gain
    )


def test_where_nothing_is_named_otherwise_there_is_nothing_to_gain() -> None:
    told = forecast_gain(ForecastInputs(0.9, 0.0, 1.0, 0.1, 0.1))
    assert (told.gain, told.verdict) == (0, "hardly")


@pytest.mark.parametrize(
    ("gain", "interval", "verdict"),
    [
        (0.1, (0.02, 0.18), "helps"),
        (-0.1, (-0.18, -0.02), "hurts"),
        (0.1, (-0.05, 0.25), "open"),
        (-0.1, (-0.25, 0.05), "open"),
        (NEGLIGIBLE / 2, (0.001, NEGLIGIBLE), "hardly"),
    ],
)
def test_the_verdict_is_what_gain_and_interval_amount_to(
    gain: float, interval: tuple[float, float], verdict: str
) -> None:
    assert GainForecast(0.5, (0.4, 0.6), 0.5 + gain, gain, interval).verdict == verdict
