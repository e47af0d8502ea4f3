"""A short run of what `make faults` does for long."""

from pathlib import Path

import pytest

from tests.faults.mutated import mutated_models


@pytest.mark.fault(67, 69)
def test_a_mutated_model_is_refused_or_unharmed(tmp_path: Path) -> None:
    figure = mutated_models(tmp_path / "models", 600, seed=1)
    assert figure.failures == 0, figure.note
