from dataclasses import replace
from pathlib import Path

import pytest

from office31_cli import compare_outputs
from tests.helpers.small_training import QUICK, make_things


def test_the_loss_is_a_sum_of_losses_alone(tmp_path: Path) -> None:
    """What is measured after each epoch, for TensorBoard, stands beside the losses in the history."""
    pytest.importorskip("tensorboard")
    data = str(make_things(tmp_path / "things", "shop", "phone"))
    plain, recorded = (
        compare_outputs(
            ["item+domain"],
            seeds=[0],
            data=data,
            backbone="convnet",
            options=replace(QUICK, epochs=2, tensorboard=folder),
        ).rows[0]
        for folder in (None, tmp_path / "board")
    )
    assert recorded.loss == plain.loss
    assert len(plain.loss) == 2
