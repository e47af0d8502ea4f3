import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.metrics.label_issues import label_issue_margins


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(2, 6))
def test_a_margin_is_that_of_the_best_other_item(seed: int, count: int, items: int) -> None:
    draws = np.random.default_rng(seed)
    probabilities, labels = draws.dirichlet(np.ones(items), size=count), draws.integers(items, size=count)
    before = probabilities.copy()
    for row, label, margin in zip(
        probabilities.tolist(), labels.tolist(), label_issue_margins(probabilities, labels), strict=True
    ):
        assert margin == pytest.approx(max(row[:label] + row[label + 1 :]) - row[label])
        assert -1 <= margin <= 1
        assert (margin > 0) == (int(np.argmax(row)) != label)
    assert (probabilities == before).all()


@pytest.mark.parametrize(("shape", "count"), [((3,), 3), ((4, 2), 3), ((2, 2, 2), 2)])
def test_other_shapes_are_errors(shape: tuple[int, ...], count: int) -> None:
    with pytest.raises(ValueError, match="expected probabilities"):
        label_issue_margins(np.ones(shape), np.zeros(count, dtype=np.int64))
