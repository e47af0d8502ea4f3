"""One training from request to scores: start, split, train, score the held-out part. Stores nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from office31_cli.engine import distributed, inference, process_group, tasks
from office31_cli.engine.batches import LabelledBatches
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import choose_device, describe_environment, limit_threads
from office31_cli.engine.frozen_split import FrozenSplit, split_network
from office31_cli.engine.inputs import Inputs
from office31_cli.engine.settings import EPOCHS, Settings, check_optimizer
from office31_cli.history import HELD_OUT, measurement_key
from office31_cli.models.network import Network
from office31_cli.observer import Observer
from office31_cli.outputs.base import Columns, FloatArray
from office31_cli.outputs.composite import Composite
from office31_cli.strategies.base import ParameterGroup, backbone_and_head_groups, trainable_parameters
from office31_cli.workflow import seen_labels
from office31_cli.workflow.calibration import Calibration
from office31_cli.workflow.domains import (
    build_examples,
    build_inputs,
    open_domains,
    scoring_values,
    training_values,
    warn_of_missing_values,
)
from office31_cli.workflow.partition import Partition, divide
from office31_cli.workflow.request import Request
from office31_cli.workflow.starting_weights import StartingWeights

HeldOut = tuple[FloatArray, Columns]


@dataclass(frozen=True, eq=False)
class Run:
    """All that decides what a training computes, ready to be computed."""

    request: Request
    start: StartingWeights
    network: Network
    trained_part: str
    settings: Settings
    partition: Partition
    split: FrozenSplit
    inputs: Inputs
    device: torch.device

    @property
    def outputs(self) -> Composite:
        """What the network answers."""
        return self.network.architecture.outputs

    def parameter_groups(self) -> list[ParameterGroup]:
        """What is trained at which rate: pre-trained layers at a tenth; fresh weights all have the same way to go."""
        if self.request.parent is None and self.request.weights == "none":
            return [ParameterGroup(trainable_parameters(self.network))]
        return backbone_and_head_groups(self.network)

    def train(self, observer: Observer, checkpoints: Checkpoints | None = None) -> History:
        """Train to the end; returns what each epoch came to."""
        groups = self.parameter_groups()
        task = tasks.SupervisedTask(self.split.trained_part, self.outputs, self.build_measure())
        targets = self.outputs.targets(training_values(self.request.data, self.outputs, self.partition.train))
        learnt = build_examples(self.partition.train, targets)
        batches = LabelledBatches(
            self.inputs,
            learnt,
            batch_size=self.settings.batch_size,
            seed=self.settings.seed,
            device=self.device,
            shard=process_group.local_shard(),
        )
        training = distributed.build_training(task, groups, batches, self.settings, self.device)
        with limit_threads(self.split.name):
            return training.run(observer, checkpoints, resume=self.request.options.resume)

    def build_measure(self) -> tasks.Measure | None:
        """How the held-out photographs are named after each epoch, where that is recorded; nothing depends on it."""
        if self.request.options.tensorboard is None or not any(map(len, self.partition.held_out)):
            return None

        def scored(network: nn.Module) -> dict[str, float]:
            found = self.outputs.headlines(self.outputs.scores(*self.predict_held_out(network)))
            return {measurement_key(HELD_OUT, column): value for column, value in found.items()}

        return scored

    def predict_held_out(self, network: nn.Module | None = None) -> HeldOut:
        """What the trained part, or another such, answers to the held-out photographs, and what scores it.

        The answers are (n, width).
        """
        kept_back = self.partition.held_out
        raw = inference.predict(network or self.split.trained_part, self.inputs, build_examples(kept_back), self.device)
        return raw.double().numpy(), scoring_values(self.request.data, self.outputs, kept_back)

    def score(self, held_out: HeldOut | None, observer: Observer) -> dict[str, dict[str, Any]]:
        """Each column's kind and figures on the held-out part; none where nothing was held out."""
        if held_out is None:
            return {}
        raw, actual = held_out
        warn_of_missing_values(actual, observer)
        return self.outputs.scores(raw, actual)

    def fit_calibration(self, held_out: HeldOut | None, observer: Observer) -> Calibration | None:
        """What mends its confidence about the item, fitted on the held-out part; None where nothing was held out."""
        if held_out is None:
            return None
        raw, actual = held_out
        parts = [part for part in self.partition.held_out if len(part)]
        return Calibration.fit(
            self.outputs.decode_array(raw)["item"],
            actual["item"].astype(np.int64),
            [digest for part in parts for digest in part.digests],
            fitted_on=f"{'+'.join(part.domain for part in parts)}, held out",
            labels=seen_labels.record_photographs(parts),
        )

    def extra_metrics(self) -> dict[str, Any]:
        """What is to be stored beside the scores on the held-out part."""
        return {}

    def count_labels_used(self) -> dict[str, int]:
        """Labels that the network has seen by domain, its parents' included."""
        return seen_labels.count_labels(self.partition.seen)

    def options(self) -> dict[str, Any]:
        """The command's options by name, as recorded in the card: as they were `asked` for, and `resolved`."""
        return {"asked": self.request.asked, "resolved": self.resolved_options()}

    def resolved_options(self) -> dict[str, Any]:
        """With these options, whatever the defaults are by then, the command trains the same network again."""
        return self.request.resolved() | {
            "train": self.trained_part,
            "epochs": self.settings.epochs,
            "lr": self.settings.lr,
            "device": self.device.type,
        }

    def identity(self) -> dict[str, Any]:
        """What a run must share with an interrupted one to go on from its checkpoint."""
        parent = self.request.parent
        return {
            "command": self.request.command,
            "domains": list(self.request.domains),
            "request": self.request.to_json(),
            "architecture": self.network.architecture.to_json(),
            "start": parent.id if parent else self.start.weights_name,
            "train": self.trained_part,
            "preprocessing": self.start.preprocessing.to_json(),
            "settings": self.settings.to_json(),
            "learnt": [part.content for part in self.partition.train],
            "environment": describe_environment(self.device, self.request.backbone),
        }


def build_run(request: Request, observer: Observer) -> Run:
    """Load, decode, split, and pass every photograph through the frozen part where there is one."""
    device = choose_device(request.options.device)
    start = StartingWeights.load(request, observer)
    part = request.options.train or default_part(request, device)
    domains = open_domains(request, request.domains, start.preprocessing, observer)
    partition = divide(request, domains)
    network = start.build_network(fit_outputs(request, partition, observer))
    split = split_network(network, part)
    inputs = build_inputs(split, domains, start.preprocessing, device, observer)
    return Run(request, start, network, part, build_settings(request, part), partition, split, inputs, device)


def fit_outputs(request: Request, partition: Partition, observer: Observer) -> Composite:
    """The outputs with the scale of what is learnt from; warns of a column that has nothing to teach."""
    learnt = training_values(request.data, request.outputs, partition.train)
    for column, found in learnt.items():
        if column != "item" and len(np.unique(found)) == 1:
            observer.warn(f"output {column}: all photographs learnt from have the same value, so it learns nothing")
    return request.outputs.fit(learnt)


def default_part(request: Request, device: torch.device) -> str:
    """The head alone on a CPU, where it takes seconds, unless the backbone has never been trained by others."""
    fresh = request.weights == "none"
    return "head" if device.type == "cpu" and not fresh else "all"


def build_settings(request: Request, part: str) -> Settings:
    """How to train, with the defaults of the part that is trained."""
    options = request.options
    return Settings(
        epochs=options.epochs or EPOCHS[part],
        batch_size=options.batch_size,
        optimizer=options.optimizer,
        lr=check_optimizer(options.optimizer, options.lr),
        seed=options.seed,
    )
