"""Train one network again and again from its initial weights, with data that all trials share."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from office31_cli.engine import inference, loop, tasks
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
    """What all trials of a network share."""

    name: str
    identity: dict[str, Any]
    """What decides a trial's scores beside its settings."""
    outputs: Composite
    build_network: Callable[[], nn.Module]
    """Returns the network, with the same random initial weights each time."""
    inputs: Inputs
    train: Examples
    held_out: Examples
    actual: Columns
    """Of the held-out examples."""
    device: torch.device


def build_requested_setup(request: Request, observer: Observer) -> TrialSetup:
    """Trials of the trained part of a requested network: a head on cached features, or all layers on pixels."""
    run = build_run(request, observer)

    def build_network() -> nn.Module:
        seed_torch("initial weights", request.options.seed)
        for layer in run.split.trained_part.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.BatchNorm1d | nn.BatchNorm2d):
                layer.reset_parameters()
        return run.split.trained_part

    return TrialSetup(
        name=run.split.name,
        identity={**run.identity(), "settings": None},
        outputs=run.outputs,
        build_network=build_network,
        inputs=run.inputs,
        device=run.device,
        **_build_examples(request, run.outputs, run.partition),
    )


def build_textbook_setup(hidden: tuple[int, ...], request: Request, observer: Observer) -> TrialSetup:
    """Trials of the textbook's network, on the pixels as they are."""
    device, small = choose_device(request.options.device), Preprocessing(side=SIDE, crop=SIDE)
    domains = open_domains(request, request.domains, small, observer)
    partition = divide(request, domains)
    outputs = request.outputs.fit(training_values(request.data, request.outputs, partition.train))

    def build_network() -> nn.Module:
        seed_torch("initial weights", request.options.seed)
        return TextbookMLP(hidden, outputs.width)

    return TrialSetup(
        name="raw pixels",
        identity={
            "hidden": hidden,
            "request": request.to_json(),
            "learnt": [part.content for part in partition.train],
            "environment": describe_environment(device),
        },
        outputs=outputs,
        build_network=build_network,
        inputs=FrozenInputs([[domain.pixels for domain in domains]], device),
        device=device,
        **_build_examples(request, outputs, partition),
    )


def _build_examples(request: Request, outputs: Composite, partition: Partition) -> dict[str, Any]:
    """The fields of a setup that say what is trained on, and what is held out."""
    targets = outputs.targets(training_values(request.data, outputs, partition.train))
    return {
        "train": build_examples(partition.train, targets),
        "held_out": build_examples(partition.held_out),
        "actual": scoring_values(request.data, outputs, partition.held_out),
    }


def run_trial(setup: TrialSetup, settings: Settings, observer: Observer) -> dict[str, Any]:
    """Train the network from its initial weights and score it: losses by epoch, accuracies, time and memory.

    A training that diverges has no losses, and None for its accuracies.
    """
    network = setup.build_network()
    task, groups = tasks.SupervisedTask(network, setup.outputs), [ParameterGroup(trainable_parameters(network))]
    batches = LabelledBatches(
        setup.inputs, setup.train, batch_size=settings.batch_size, seed=settings.seed, device=setup.device
    )
    training = loop.Training(task, groups, batches, settings, setup.device)
    began = time.monotonic()
    try:
        with limit_threads(setup.name):
            history = training.run(observer)
    except tasks.Diverged:
        history = []
    seconds = time.monotonic() - began
    return {
        "loss": total_losses(history),
        **(_score_held_out(setup, network) if history else dict.fromkeys(("item", "domain", "both"))),
        "seconds": round(seconds, 3),
        "seconds_optimizing": training.seconds_optimizing,
        "steps": training.steps,
        "parameters": sum(value.numel() for value in trainable_parameters(network)),
        "parameter_bytes": parameter_bytes(training.optimizer),
        "state_bytes": state_bytes(training.optimizer),
    }


def _score_held_out(setup: TrialSetup, network: nn.Module) -> dict[str, float | None]:
    raw = inference.predict(network, setup.inputs, setup.held_out, setup.device).double().numpy()
    return score_columns(setup.outputs, raw, setup.actual)
