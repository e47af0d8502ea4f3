import pytest

from tests.faults.figures import Figure


def figure(count: int, failures: int) -> Figure:
    return Figure((1,), "", count, failures, 0)


def test_where_none_failed_the_bound_is_that_of_the_rule_of_three() -> None:
    assert figure(3000, 0).bound == pytest.approx(0.001)
    assert figure(2, 0).bound == 1.0


def test_where_some_failed_the_bound_leaves_them_five_percent() -> None:
    """Clopper and Pearson's table: of 100, one failure bounds the share at 0.0466, and ten at 0.1638."""
    assert figure(100, 1).bound == pytest.approx(0.0466, abs=1e-4)
    assert figure(100, 10).bound == pytest.approx(0.1637, abs=2e-4)
    assert figure(3, 3).bound == 1.0
