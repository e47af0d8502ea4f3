"""A short run of what `make faults` does for long."""

from pathlib import Path

import pytest

from tests.faults.trainings import LINES, killed_and_repeated


@pytest.mark.fault(45, 83)
def test_a_killed_training_ends_with_the_bits_of_one_that_was_not(tmp_path: Path) -> None:
    figure = killed_and_repeated(tmp_path, len(LINES), seed=1)
    assert figure.failures == 0, figure.note
