"""A checkpoint holds what a training goes on from and nothing else: without any one field it ends elsewhere."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
import torch
from torch import Tensor

from office31_cli.engine import checkpoints
from office31_cli.engine.batches import LabelledBatches
from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.engine.loop import Training
from office31_cli.engine.tasks import SupervisedTask
from office31_cli.errors import Failed
from office31_cli.models.state_dict import hash_tensors
from office31_cli.observer import SILENT
from office31_cli.strategies.base import ParameterGroup
from tests.helpers.small_outputs import THREE
from tests.helpers.tiny_adaptation import build_adaptation, build_pair
from tests.helpers.tiny_training import (
    CPU,
    ITEMS,
    InterruptedCheckpoints,
    convolutional_network,
    examples,
    photograph_inputs,
    settings,
)

Kept: TypeAlias = tuple[dict[str, Any], dict[str, Tensor]]
"""What a checkpoint says in JSON, and its tensors."""

_RUN = {"run": "interrupted"}

NOTHING = "nothing"
"""Left out of a checkpoint, it changes nothing."""

REDUNDANT = {
    "num_batches_tracked": "batch norms count, but average with a fixed momentum",
    "groups": "rates are set anew at every step, and the rest comes from the settings",
    "scaler": "it is off where nothing is computed in half precision",
}
"""Why the end is the same without these."""


def supervised(optimizer: str) -> Training:
    network, how = convolutional_network(), settings(optimizer, epochs=4)
    batches = LabelledBatches(photograph_inputs(), examples(ITEMS), batch_size=4, seed=1, device=CPU)
    return Training(SupervisedTask(network, THREE), [ParameterGroup(list(network.parameters()))], batches, how, CPU)


TRAININGS: dict[str, Callable[[], Training]] = {
    "momentum": lambda: supervised("nesterov"),
    "adamw": lambda: supervised("adamw"),
    "a discriminator": lambda: build_adaptation("cdan", [build_pair()], epochs=4)[1],
    "centroids": lambda: build_adaptation("shot", [build_pair(source_free=True)], epochs=4)[1],
}


def ended(training: Training, **settings: Any) -> tuple[str, list[dict[str, float]]]:
    """Everything that a training is at its end."""
    history = training.run(SILENT, Checkpoints(settings))
    return hash_tensors(training.task.state_dict()), history


def without(field: str, kept: Kept, fresh: Training) -> Kept:
    """The checkpoint as if this field had never been stored: it is as at the beginning."""
    about, tensors = dict(kept[0]), {name: value.clone() for name, value in kept[1].items()}
    if field == NOTHING:
        return about, tensors
    if field in tensors:
        left = tensors.pop(field)
        if field.startswith("module."):
            tensors[field] = fresh.task.state_dict()[field.removeprefix("module.")].clone().reshape(left.shape)
    else:
        beginning = {"groups": fresh.optimizer.state_dict()["param_groups"], "history": [], "scaler": {}}
        about[field] = beginning[field]
    return about, tensors


def fields(kept: Kept) -> Iterator[str]:
    yield NOTHING
    yield from kept[1]
    yield from sorted(kept[0].keys() - {"run"})


def whole_module(kept: Kept) -> dict[str, Tensor]:
    return {key.removeprefix("module."): value for key, value in kept[1].items() if key.startswith("module.")}


@pytest.mark.fault(45)
@pytest.mark.parametrize("name", TRAININGS)
def test_without_any_one_field_a_resumed_training_ends_elsewhere(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, read = TRAININGS[name], checkpoints._read
    expected = ended(make(), run="whole")
    with pytest.raises(KeyboardInterrupt):
        make().run(SILENT, InterruptedCheckpoints(_RUN))
    newest = sorted(Checkpoints(_RUN).folder.iterdir())[-1]
    whole = read(newest)
    redundant = []
    for field in fields(whole):
        fresh = make()
        with monkeypatch.context() as patched:
            patched.setattr(checkpoints, "_read", lambda _, field=field, fresh=fresh: without(field, whole, fresh))
            patched.setattr(Checkpoints, "save", lambda *_: None)
            with contextlib.suppress(TypeError, KeyError):  # an optimizer misses its moments
                if ended(fresh, **_RUN) == expected:
                    redundant.append(field)
    beginning = make().task.state_dict()
    unchanged = [f"module.{key}" for key, value in whole_module(whole).items() if torch.equal(value, beginning[key])]
    assert redundant.pop(0) == NOTHING
    assert [field for field in redundant if not field.endswith((*REDUNDANT, *unchanged))] == []
    assert ended(make(), **_RUN) == expected


@pytest.mark.fault(49)
def test_who_goes_on_from_another_run_does_so_with_rates_and_momentum_of_its_own() -> None:
    with pytest.raises(KeyboardInterrupt):
        supervised("nesterov").run(SILENT, InterruptedCheckpoints(_RUN))
    newest = sorted(Checkpoints(_RUN).folder.iterdir())[-1]
    before = {path: path.read_bytes() for path in newest.iterdir()}
    ends = []
    for optimizer in ("nesterov", "momentum"):
        training = supervised(optimizer)
        history = training.run(SILENT, Checkpoints({"run": optimizer}, origin=newest))
        assert training.optimizer.param_groups[0]["nesterov"] is (optimizer == "nesterov")
        ends.append((hash_tensors(training.task.state_dict()), history))
    assert ends[0] == ended(supervised("nesterov"), run="whole") != ends[1]
    assert {path: path.read_bytes() for path in newest.iterdir()} == before


@pytest.mark.fault(49)
@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop"])
def test_moments_of_another_kind_are_no_place_to_go_on_from(optimizer: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        supervised("nesterov").run(SILENT, InterruptedCheckpoints(_RUN))
    newest = sorted(Checkpoints(_RUN).folder.iterdir())[-1]
    training = supervised(optimizer)
    before = hash_tensors(training.task.state_dict())
    with pytest.raises(Failed, match="another kind"):
        training.run(SILENT, Checkpoints({"run": optimizer}, origin=newest))
    (newest / "state.json").unlink()
    with pytest.raises(Failed, match="cannot be read any more"):
        supervised("nesterov").run(SILENT, Checkpoints({"run": optimizer}, origin=newest))
    assert hash_tensors(training.task.state_dict()) == before
