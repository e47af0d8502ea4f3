"""Trainings of one network again and again, afresh, on material that all of them share."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from office31_cli.engine import loop
from office31_cli.engine.batches import LabelledBatches
from office31_cli.engine.device import choose_device, describe_environment, limit_threads
from office31_cli.engine.inputs import Examples, FrozenInputs, Inputs
from office31_cli.engine.optimizers import parameter_bytes, state_bytes
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.history import total_losses
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.textbook import SIDE, TextbookMLP
from office31_cli.observer import Observer
from office31_cli.outputs.base import Columns
from office31_cli.outputs.composite import Composite
from office31_cli.recipes.compare.outputs import score_columns
from office31_cli.strategies.base import ParameterGroup, trainable_parameters
from office31_cli.workflow.domains import build_examples, open_domains, scoring_values, training_values
from office31_cli.workflow.partition import Partition, divide
from office31_cli.workflow.request import Request
from office31_cli.workflow.run import build_run


@dataclass(frozen=True, eq=False)
class TrialSetup:
    """What all trials of a network share; `fresh` makes the network with the weights that it starts from."""

    name: str
    identity: dict[str, Any]
    """What decides a trial's result beside its settings."""
    outputs: Composite
    fresh: Callable[[], nn.Module]
    inputs: Inputs
    learnt: Examples
    held_out: Examples
    actual: Columns
    """Of what is held out."""
    device: torch.device


def build_requested_setup(request: Request, observer: Observer) -> TrialSetup:
    """The trained part of the requested network: a head on cached features, or all layers on pixels."""
    run = build_run(request, observer)

    def fresh() -> nn.Module:
        """The same modules, their weights drawn anew."""
        seed_torch("initial weights", request.options.seed)
        for layer in run.split.trained_part.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.BatchNorm1d | nn.BatchNorm2d):
                layer.reset_parameters()
        return run.split.trained_part

    identity = {**run.identity(), "settings": None}
    return _build_setup(run.split.name, identity, request, run.outputs, run.partition, fresh, run.inputs, run.device)


def build_textbook_setup(hidden: tuple[int, ...], request: Request, observer: Observer) -> TrialSetup:
    """The textbook's network on the pixels as they are."""
    device, small = choose_device(request.options.device), Preprocessing(side=SIDE, crop=SIDE)
    domains = open_domains(request, request.domains, small, observer)
    partition = divide(request, domains)
    outputs = request.outputs.fit(training_values(request.data, request.outputs, partition.train))

    def fresh() -> nn.Module:
        seed_torch("initial weights", request.options.seed)
        return TextbookMLP(hidden, outputs.width)

    identity = {
        "hidden": hidden,
        "request": request.to_json(),
        "learnt": [part.content for part in partition.train],
        "environment": describe_environment(device),
    }
    inputs = FrozenInputs([[domain.pixels for domain in domains]], device)
    return _build_setup("raw pixels", identity, request, outputs, partition, fresh, inputs, device)


def _build_setup(
    name: str,
    identity: dict[str, Any],
    request: Request,
    outputs: Composite,
    partition: Partition,
    fresh: Callable[[], nn.Module],
    inputs: Inputs,
    device: torch.device,
) -> TrialSetup:
    learnt = build_examples(partition.train, outputs.targets(training_values(request.data, outputs, partition.train)))
    kept_back = scoring_values(request.data, outputs, partition.held_out)
    return TrialSetup(
        name, identity, outputs, fresh, inputs, learnt, build_examples(partition.held_out), kept_back, device
    )


def run_trial(setup: TrialSetup, settings: Settings, observer: Observer) -> dict[str, Any]:
    """Train the network afresh and score it: losses by epoch, shares of right answers, time and memory.

    One that diverges has neither losses nor shares.
    """
    network = setup.fresh()
    task, groups = loop.SupervisedTask(network, setup.outputs), [ParameterGroup(trainable_parameters(network))]
    batches = LabelledBatches(
        setup.inputs, setup.learnt, batch_size=settings.batch_size, seed=settings.seed, device=setup.device
    )
    training = loop.Training(task, groups, batches, settings, setup.device)
    began = time.monotonic()
    try:
        with limit_threads(setup.name):
            history = training.run(observer)
    except loop.Diverged:
        history = []
    seconds = time.monotonic() - began
    return {
        "loss": total_losses(history),
        **(_shares(setup, network) if history else dict.fromkeys(("item", "domain", "both"))),
        "seconds": round(seconds, 3),
        "seconds_optimizing": training.seconds_optimizing,
        "steps": training.steps,
        "parameters": sum(value.numel() for value in trainable_parameters(network)),
        "parameter_bytes": parameter_bytes(training.optimizer),
        "state_bytes": state_bytes(training.optimizer),
    }


def _shares(setup: TrialSetup, network: nn.Module) -> dict[str, float | None]:
    raw = loop.predict(network, setup.inputs, setup.held_out, setup.device).double().numpy()
    return score_columns(setup.outputs, raw, setup.actual)
