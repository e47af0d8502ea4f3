"""Every row of the matrix of faults is shown by a test, or says why it cannot be."""

from tests.faults.markers import shown
from tests.faults.rows import CANNOT_HOLD, ROWS


def test_every_row_has_a_test_or_a_reason() -> None:
    found = shown().keys()
    assert found | CANNOT_HOLD.keys() == ROWS.keys()
    assert not found & CANNOT_HOLD.keys()
