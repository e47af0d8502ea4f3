import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from office31_cli.metrics.confusion import Confusion, confusion_matrix, most_confused

label_pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


@given(label_pairs)
def test_matrix_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted, actual = np.array(pairs).T
    expected = metrics.confusion_matrix(actual, predicted, labels=range(6))
    np.testing.assert_array_equal(confusion_matrix(predicted, actual, 6), expected)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_label_outside_the_items_is_an_error(wrong: int) -> None:
    for predicted, actual in (([0, wrong], [0, 1]), ([0, 1], [0, wrong])):
        with pytest.raises(ValueError, match="outside"):
            confusion_matrix(np.array(predicted), np.array(actual), 3)


def test_no_photographs_is_an_error() -> None:
    with pytest.raises(ValueError, match="no photographs"):
        confusion_matrix(np.zeros(0, dtype=int), np.zeros(0, dtype=int), 3)


def test_most_frequent_mistake_first_and_ties_by_name() -> None:
    matrix = np.array([[7, 1, 2], [3, 0, 1], [0, 1, 5]])
    items = ["mug", "bottle", "trash_can"]
    assert most_confused(matrix, items) == [
        Confusion("bottle", "mug", 3, 3 / 4),
        Confusion("mug", "trash_can", 2, 2 / 10),
        Confusion("bottle", "trash_can", 1, 1 / 4),
        Confusion("mug", "bottle", 1, 1 / 10),
        Confusion("trash_can", "bottle", 1, 1 / 6),
    ]
    assert len(most_confused(matrix, items, most=2)) == 2


@given(label_pairs)
def test_mistakes_are_all_that_is_off_the_diagonal(pairs: list[tuple[int, int]]) -> None:
    predicted, actual = np.array(pairs).T
    mistakes = most_confused(confusion_matrix(predicted, actual, 5), "abcde", most=25)
    assert all(mistake.photographs > 0 and mistake.actual != mistake.predicted for mistake in mistakes)
    assert sum(mistake.photographs for mistake in mistakes) == int(np.sum(predicted != actual))


def test_no_mistakes_confuse_nothing() -> None:
    assert most_confused(np.diag([3, 0, 2]), ["a", "b", "c"]) == []
