"""Weights with values that are not finite are refused by name, and with --allow-nonfinite taken as they are."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from office31_cli.models.backbones import build_backbone
from tests.helpers.real_command import OWN, Command

DEAD = "0.1.running_var"
"""Of a batch norm: a channel whose variance is infinite is constant, and all that follows is finite."""


def written(folder: Path, key: str, value: float) -> Path:
    """A file of weights with one odd value."""
    tensors: dict[str, Tensor] = build_backbone("convnet", 48).state_dict()
    tensors[key].view(-1)[0] = value
    path = folder / "odd.safetensors"
    save_file(tensors, path)
    return path


@pytest.mark.fault(68)
@pytest.mark.parametrize("train", ["head", "all"])
def test_what_is_refused_is_taken_when_asked_for_and_recorded(
    run: Command, own_folder: Path, tmp_path: Path, train: str
) -> None:
    words = (*OWN, "--data", own_folder, "--weights", written(tmp_path, DEAD, torch.inf), "--train", train)
    refused = run(*words)
    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert f"{DEAD} holds values that are not finite" in refused.err
    assert refused.err.endswith("office31 pretrain --allow-nonfinite\n")

    code, _, err = run(*words, "--allow-nonfinite", "--name", "odd")
    assert (code, err.count("\n")) == (0, 1), err
    assert err.startswith(f"warning: {DEAD} of odd.safetensors@")
    assert run.json("models", "show", "odd")["card"]["configuration"]["allow_nonfinite"] is True
    assert run.json("evaluate", "--split", "phone", "--model", "odd")["photographs"] == 30
    tuned: dict[str, Any] = run.json("finetune", "--target", "phone", "--model", "odd", "--epochs", "1")
    assert run.json("evaluate", "--split", "phone:test", "--model", tuned["id"])["photographs"] == 6


@pytest.mark.fault(40, 68)
@pytest.mark.parametrize(("train", "holds"), [("head", "not finite"), ("all", "loss is nan")])
def test_what_makes_a_loss_a_nan_stops_the_training_all_the_same(
    run: Command, own_folder: Path, tmp_path: Path, train: str, holds: str
) -> None:
    path = written(tmp_path, "0.0.weight", torch.nan)
    done = run(*OWN, "--data", own_folder, "--weights", path, "--train", train, "--allow-nonfinite", "--json")
    warning, error = done.err.splitlines()
    assert (done.code, done.out) == (1, "")
    assert warning.startswith("warning: 0.0.weight of ")
    assert error.startswith("error: ")
    assert holds in error
    assert run.json("models", "list")["models"] == []
