"""No hostile archive writes outside, whatever Python's own way makes of it."""

from pathlib import Path

import pytest

from tests.faults.archives import escapes


@pytest.mark.fault(16, 17, 18, 19, 20)
def test_no_archive_escapes_and_every_one_is_refused(tmp_path: Path, home: Path) -> None:
    assert home.parent == tmp_path
    figure, found = escapes(tmp_path)
    assert figure.failures == 0, [outcome for outcome in found if outcome.escaped or not outcome.refused]
