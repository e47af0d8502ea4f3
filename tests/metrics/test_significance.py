from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from office31_cli.metrics.significance import holm, mcnemar_test, sign_flip_test

numbers = st.lists(st.integers(-50, 50).map(lambda whole: whole / 8), min_size=1, max_size=8)


@given(numbers)
def test_the_p_value_is_the_share_of_sign_flips_that_reach_as_far(differences: list[float]) -> None:
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    expected = sum(reached >= abs(sum(differences)) for reached in sums) / len(sums)
    assert sign_flip_test(differences) == pytest.approx(expected)


@given(st.integers(0, 60), st.integers(0, 60))
def test_two_models_on_the_same_photographs_are_judged_as_by_scipys_binomial_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1
    assert mcnemar_test(first, second) == pytest.approx(expected)
    assert mcnemar_test(second, first) == mcnemar_test(first, second)


def test_thousands_of_photographs_are_no_trouble() -> None:
    assert mcnemar_test(3000, 3100) == pytest.approx(binomtest(3000, 6100).pvalue)
    assert 0 < mcnemar_test(0, 1000) < 1e-290


def test_fewer_than_no_photographs_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer"):
        mcnemar_test(-1, 3)


def test_many_pairs_are_judged_as_by_scipy() -> None:
    differences = np.random.default_rng(1).normal(0.3, 1, 40)
    reference = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=50_000, rng=np.random.default_rng(2)
    )
    assert sign_flip_test(differences) == pytest.approx(reference.pvalue, abs=0.01)


def test_equal_methods_do_not_differ_and_consistent_ones_do() -> None:
    assert sign_flip_test(np.zeros(18)) == 1
    assert sign_flip_test(np.full(12, 0.01)) == 2 / 2**12
    assert 0 < sign_flip_test(np.full(40, 0.01)) <= 1e-4
    with pytest.raises(ValueError, match="no pair"):
        sign_flip_test([])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
