import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics.calibration import expected_calibration_error


def by_definition(probabilities: np.ndarray, actual: np.ndarray, bins: int) -> float:
    """Guo et al. 2017, equations 2 and 3, term by term."""
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
