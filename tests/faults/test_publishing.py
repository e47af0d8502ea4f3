"""Short runs of what `make faults` does for long."""

from pathlib import Path

import pytest

from tests.faults.publishing import killed_while_publishing, publishers_at_once


@pytest.mark.fault(51)
def test_a_kill_at_a_random_instant_of_publishing_corrupts_nothing(tmp_path: Path) -> None:
    assert killed_while_publishing(tmp_path, 60, seed=1).failures == 0


@pytest.mark.fault(60)
def test_many_publishers_lose_nothing(tmp_path: Path) -> None:
    figure = publishers_at_once(tmp_path / "registry", 16, 5)
    assert (figure.count, figure.failures) == (80, 0)
