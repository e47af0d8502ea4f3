"""A short run of what `make faults` does for long."""

from pathlib import Path

import pytest

from tests.faults.arguments import random_arguments


@pytest.mark.fault(79)
def test_random_arguments_are_answered_as_documented(tmp_path: Path) -> None:
    figure = random_arguments(tmp_path, 300, seed=1)
    assert figure.failures == 0, figure.note
