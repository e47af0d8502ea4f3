"""One training from request to scores: loaded, partitioned, trained and scored on its held-out set; stores nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from office31_cli.data.photographs import IntArray, Photographs
from office31_cli.engine import distributed, inference, process_group, tasks
from office31_cli.engine.batches import LabelledBatches
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.class_balance import balanced_weights
from office31_cli.engine.device import choose_device, describe_environment, limit_threads
from office31_cli.engine.frozen_split import FrozenSplit, split_network
from office31_cli.engine.inputs import Inputs
from office31_cli.engine.settings import EPOCHS, Settings, check_optimizer
from office31_cli.history import HELD_OUT, measurement_key
from office31_cli.keys import make_key
from office31_cli.metrics.unknown import entropy
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
from office31_cli.workflow.unknown_detector import UnknownDetector


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """What the network predicts for the held-out set."""

    raw: FloatArray
    """The network's last layers (n, width), which the outputs decode."""
    actual: Columns
    """By column the values (n,) that score them."""


@dataclass(frozen=True, eq=False)
class Run:
    """A training that is ready to be computed."""

    request: Request
    start: StartingWeights
    network: Network
    trained_layers: str
    """`head`, `last` or `all`."""
    settings: Settings
    partition: Partition
    split: FrozenSplit
    inputs: Inputs
    device: torch.device

    @property
    def outputs(self) -> Composite:
        """What the network predicts."""
        return self.network.architecture.outputs

    def parameter_groups(self) -> list[ParameterGroup]:
        """What is trained, at which rate: a pre-trained backbone at a tenth; all alike where it is not pre-trained."""
        if self.request.parent is None and self.request.weights == "none":
            return [ParameterGroup(trainable_parameters(self.network))]
        return backbone_and_head_groups(self.network)

    def train(self, observer: Observer, checkpoints: Checkpoints | None = None) -> History:
        """Train to the end, and return the losses and measurements of each epoch."""
        groups = self.parameter_groups()
        items = np.concatenate([part.items for part in self.partition.train])
        task = tasks.SupervisedTask(
            self.split.trained_part, self.outputs, self.build_measure(), item_weights=self.item_weights([items])
        )
        targets = self.outputs.targets(training_values(self.request.data, self.outputs, self.partition.train))
        batches = LabelledBatches(
            self.inputs,
            build_examples(self.partition.train, targets),
            batch_size=self.settings.batch_size,
            seed=self.settings.seed,
            device=self.device,
            shard=process_group.local_shard(),
            balanced_by=items if self.request.options.class_weights == "sampler" else None,
        )
        training = distributed.build_training(task, groups, batches, self.settings, self.device)
        with limit_threads(self.split.name):
            return training.run(observer, checkpoints, resume=self.request.options.resume)

    def item_weights(self, parts: Sequence[IntArray]) -> torch.Tensor | None:
        """The items' weights (K,) in the loss, for labels (n,) drawn from these parts; None where all count alike."""
        if self.request.options.class_weights != "balanced":
            return None
        weights = balanced_weights(parts, len(self.request.data.items), batch_size=self.settings.batch_size)
        return torch.from_numpy(weights).to(torch.float32)

    def build_measure(self) -> tasks.Measure | None:
        """What scores the held-out set after each epoch, for TensorBoard; None without it. Training is not affected."""
        if self.request.options.tensorboard is None or not any(map(len, self.partition.held_out)):
            return None

        def measure(network: nn.Module) -> dict[str, float]:
            predictions = self.predict_held_out(network)
            scores = self.outputs.headlines(self.outputs.scores(predictions.raw, predictions.actual))
            return {measurement_key(HELD_OUT, column): value for column, value in scores.items()}

        return measure

    def predict_held_out(self, network: nn.Module | None = None) -> HeldOutPredictions:
        """What the trained part of the network, or another `network` like it, predicts for the held-out set."""
        held_out = self.partition.held_out
        raw = inference.predict(network or self.split.trained_part, self.inputs, build_examples(held_out), self.device)
        return HeldOutPredictions(raw.double().numpy(), scoring_values(self.request.data, self.outputs, held_out))

    def score(self, held_out: HeldOutPredictions | None, observer: Observer) -> dict[str, dict[str, Any]]:
        """Each column's kind and scores on the held-out set; none where nothing was held out."""
        if held_out is None:
            return {}
        warn_of_missing_values(held_out.actual, observer)
        return self.outputs.scores(held_out.raw, held_out.actual)

    def fit_calibration(self, held_out: HeldOutPredictions | None, observer: Observer) -> Calibration | None:
        """A calibration of the item's probabilities, fitted on the held-out set; None where nothing was held out."""
        if held_out is None:
            return None
        parts = [part for part in self.partition.held_out if len(part)]
        return Calibration.fit(
            self.outputs.decode_array(held_out.raw)["item"],
            held_out.actual["item"].astype(np.int64),
            [digest for part in parts for digest in part.digests],
            fitted_on=f"{'+'.join(part.domain for part in parts)}, held out",
            labels=seen_labels.record_photographs(parts),
        )

    def fit_detector(self, held_out: HeldOutPredictions | None) -> UnknownDetector | None:
        """What tells photographs of unknown items, fitted on the held-out set; None where nothing was held out."""
        if held_out is None:
            return None
        where = "+".join(part.domain for part in self.partition.held_out if len(part))
        scores = entropy(self.outputs.decode_array(held_out.raw)["item"])
        return UnknownDetector.fit(scores, fitted_on=f"{where}, held out")

    def extra_metrics(self) -> dict[str, Any]:
        """Metrics to store beside the scores on the held-out set."""
        return {}

    def count_labels_used(self) -> dict[str, int]:
        """How many labels of each domain the network has seen, its parents' included."""
        return seen_labels.count_labels(self.partition.seen)

    def options(self) -> dict[str, Any]:
        """The command's options by name, as recorded in the card: as they were `asked` for, and `resolved`."""
        return {"asked": self.request.asked, "resolved": self.resolved_options()}

    def resolved_options(self) -> dict[str, Any]:
        """With these options, whatever the defaults are by then, the command trains the same network again."""
        return self.request.resolved() | {
            "train": self.trained_layers,
            "epochs": self.settings.epochs,
            "lr": self.settings.lr,
            "device": self.device.type,
        }

    def identity(self) -> dict[str, Any]:
        """All that decides what is computed: a checkpoint is resumed only by a run with the same identity."""
        parent = self.request.parent
        return {
            "command": self.request.command,
            "domains": list(self.request.domains),
            "request": self.request.to_json(),
            "architecture": self.network.architecture.to_json(),
            "start": parent.id if parent else self.start.weights_name,
            "train": self.trained_layers,
            "preprocessing": self.start.preprocessing.to_json(),
            "settings": self.settings.to_json(),
            "learnt": [part.content for part in self.partition.train],
            "environment": describe_environment(self.device, self.request.backbone),
            **self._identify_labels(),
        }

    def labelled_parts(self) -> list[Photographs]:
        """The photographs whose labels decide what is computed."""
        return self.partition.train

    def _identify_labels(self) -> dict[str, Any]:
        """A hash of the labels that are trained on, where files state some of them: the photographs do not tell them.

        The order in which item folders are listed does.
        """
        data = self.request.data
        stated = [part for part in self.labelled_parts() if data.listings[part.domain].by_file]
        items = [[data.items[number] for number in part.items.tolist()] for part in stated]
        return {"labels": make_key(1, items=items)} if stated else {}


def build_run(request: Request, observer: Observer) -> Run:
    """Load and partition all that the training needs; features of a frozen part are computed and cached here."""
    device = choose_device(request.options.device)
    start = StartingWeights.load(request, observer)
    layers = request.options.train or default_layers(request, device)
    domains = open_domains(request, request.domains, start.preprocessing, observer)
    partition = divide(request, domains)
    network = start.build_network(fit_outputs(request, partition, observer))
    split = split_network(network, layers)
    inputs = build_inputs(split, domains, start.preprocessing, device, observer)
    return Run(request, start, network, layers, build_settings(request, layers), partition, split, inputs, device)


def fit_outputs(request: Request, partition: Partition, observer: Observer) -> Composite:
    """The outputs, scaled to the training set's values; warns of a column that has one value throughout."""
    by_column = training_values(request.data, request.outputs, partition.train)
    for column, values in by_column.items():
        if column != "item" and len(np.unique(values)) == 1:
            observer.warn(f"output {column}: all photographs of the training set have the same value")
    return request.outputs.fit(by_column)


def default_layers(request: Request, device: torch.device) -> str:
    """`head` for a pre-trained backbone on a CPU, where that takes seconds; else `all`."""
    return "head" if device.type == "cpu" and request.weights != "none" else "all"


def build_settings(request: Request, layers: str) -> Settings:
    """The request's settings, with the defaults that fit the trained layers."""
    options = request.options
    return Settings(
        epochs=options.epochs or EPOCHS[layers],
        batch_size=options.batch_size,
        optimizer=options.optimizer,
        lr=check_optimizer(options.optimizer, options.lr),
        seed=options.seed,
    )
