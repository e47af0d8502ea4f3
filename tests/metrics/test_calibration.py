import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from office31_cli.metrics.calibration import (
    COLDEST,
    HOTTEST,
    apply_temperature,
    cross_apply_temperature,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
)


def by_definition(probabilities: np.ndarray, actual: np.ndarray, bins: int) -> float:
    """Guo and others 2017, equations 2 and 3, term by term."""
    error = 0.0
    for m in range(1, bins + 1):
        inside = [row for row, p in enumerate(probabilities) if (m - 1) / bins < max(p) <= m / bins]
        if inside:
            right = np.mean([np.argmax(probabilities[row]) == actual[row] for row in inside])
            confidence = np.mean([max(probabilities[row]) for row in inside])
            error += len(inside) / len(actual) * abs(right - confidence)
    return error


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 6), st.integers(1, 20))
def test_agrees_with_the_definition(seed: int, photographs: int, items: int, bins: int) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(items, 0.5), size=photographs).clip(0, 1)
    actual = random.integers(items, size=photographs)
    expected = by_definition(probabilities, actual, bins)
    assert expected_calibration_error(probabilities, actual, bins) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bins", [7, 10, 15, 100])
def test_a_confidence_on_an_edge_belongs_to_the_bin_below(bins: int) -> None:
    for edge in range((bins + 1) // 2 + 1, bins):
        # The right one on the edge and the wrong one just below share a bin, so their gaps partly cancel.
        confidence = np.array([edge / bins, edge / bins - 1e-6])
        probabilities = np.stack([confidence, 1 - confidence], axis=1)
        error = expected_calibration_error(probabilities, np.array([0, 1]), bins)
        assert error == pytest.approx(abs(confidence.sum() - 1) / 2, abs=1e-12)


def test_certain_and_right_is_0_and_certain_and_wrong_is_1() -> None:
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert expected_calibration_error(certain, np.array([0, 1])) == 0.0
    assert expected_calibration_error(certain, np.array([1, 0])) == 1.0


def test_a_softmax_that_rounds_above_1_falls_into_the_last_bin() -> None:
    above = np.nextafter(np.float32(1), np.float32(2))
    probabilities = np.array([[above, 0], [0.99, 0.01]], dtype=np.float32)
    expected = abs(float(above) + 0.99 - 1) / 2
    assert expected_calibration_error(probabilities, np.array([0, 1])) == pytest.approx(expected, abs=1e-7)


def test_no_photographs_is_an_error() -> None:
    with pytest.raises(ValueError, match="no photographs"):
        expected_calibration_error(np.zeros((0, 3)), np.zeros(0, dtype=int))


def drawn(seed: int, photographs: int, items: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and items drawn from them: so the confidence is right where `sharpness` is 1."""
    random = np.random.default_rng(seed)
    right = random.dirichlet(np.full(items, 0.3), size=photographs) + 1e-9
    right /= right.sum(1, keepdims=True)
    actual = np.array([random.choice(items, p=row) for row in right])
    shown = right**sharpness
    return shown / shown.sum(1, keepdims=True), actual


@given(st.integers(0, 2**32), st.integers(1, 80), st.integers(1, 6), st.integers(1, 20))
def test_the_bins_are_a_partition_whose_gaps_are_the_error(seed: int, photographs: int, items: int, bins: int) -> None:
    probabilities, actual = drawn(seed, photographs, items)
    rows = reliability_bins(probabilities, actual, bins)
    assert sum(row.photographs for row in rows) == photographs
    assert [row.low for row in rows] == sorted({row.low for row in rows})
    for row in rows:
        inside = [place for place, p in enumerate(probabilities) if row.low < max(p) <= row.high + 1e-12]
        assert row.photographs == len(inside) > 0
        assert row.high - row.low == pytest.approx(1 / bins)
        assert row.confidence == pytest.approx(np.mean([max(probabilities[place]) for place in inside]))
        assert row.accuracy == np.mean([probabilities[place].argmax() == actual[place] for place in inside])


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(2, 6), st.floats(0.06, 19))
def test_a_temperature_divides_the_logits(seed: int, photographs: int, items: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(0, 8, (photographs, items))
    made = apply_temperature(special.softmax(logits, axis=1), temperature)
    np.testing.assert_allclose(made, special.softmax(logits / temperature, axis=1), rtol=1e-9, atol=1e-15)
    assert (made.argmax(1) == logits.argmax(1)).all()


def test_an_item_that_was_rounded_to_0_keeps_every_number_finite() -> None:
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    for temperature in (COLDEST, 1.0, HOTTEST):
        assert np.isfinite(apply_temperature(certain, temperature)).all()
    assert 1 < fit_temperature(certain, np.array([0, 0])) <= HOTTEST


def objective(b: float, probabilities: np.ndarray, actual: np.ndarray) -> float:
    """The negative log likelihood at 1/T = b, and minus the logarithm of the gamma density, term by term."""
    shown = special.log_softmax(b * np.log(probabilities), axis=1)
    return -sum(shown[row, item] for row, item in enumerate(actual)) + b - np.log(b)


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(2, 6), st.floats(0.2, 5))
def test_the_temperature_is_where_an_independent_search_finds_the_least(
    seed: int, photographs: int, items: int, sharpness: float
) -> None:
    probabilities, actual = drawn(seed, photographs, items, sharpness)
    found = fit_temperature(probabilities, actual)
    bounds = (1 / HOTTEST, 1 / COLDEST)
    searched = optimize.minimize_scalar(
        objective, bounds=bounds, args=(probabilities, actual), method="bounded", options={"xatol": 1e-10}
    )
    assert objective(1 / found, probabilities, actual) <= searched.fun + 1e-9
    assert 1 / found == pytest.approx(searched.x, rel=1e-4)


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 2.5])
def test_confidence_that_was_falsified_by_a_temperature_is_mended(sharpness: float) -> None:
    probabilities, actual = drawn(1, 4000, 8, sharpness)
    temperature = fit_temperature(probabilities, actual)
    assert temperature == pytest.approx(sharpness, rel=0.06)
    assert expected_calibration_error(apply_temperature(probabilities, temperature), actual) < 0.025


def test_few_photographs_that_are_named_rightly_make_no_network_certain() -> None:
    shown, actual = np.tile([0.8, 0.1, 0.1], (6, 1)), np.zeros(6, dtype=int)
    assert apply_temperature(shown, fit_temperature(shown, actual)).max() < 0.99
    assert fit_temperature(shown, actual) < 1


def test_what_judges_a_photograph_has_not_seen_its_label() -> None:
    probabilities, actual = drawn(2, 40, 5, 2.0)
    folds = np.arange(40) % 4
    made = cross_apply_temperature(probabilities, actual, folds)
    for fold in range(4):
        others = folds != fold
        temperature = fit_temperature(probabilities[others], actual[others])
        np.testing.assert_array_equal(made[~others], apply_temperature(probabilities[~others], temperature))
    changed = np.where(folds == 1, (actual + 1) % 5, actual)
    np.testing.assert_array_equal(made[folds == 1], cross_apply_temperature(probabilities, changed, folds)[folds == 1])


def test_one_fold_alone_stays_as_it_is() -> None:
    probabilities, actual = drawn(3, 5, 3)
    np.testing.assert_array_equal(cross_apply_temperature(probabilities, actual, np.zeros(5, dtype=int)), probabilities)
