"""A fine-tuning, ready to be trained: on labels of the target, as a strategy does it."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from office31_cli.data.photographs import IntArray, Photographs
from office31_cli.engine import distributed, inference, process_group
from office31_cli.engine.batches import Batches, LabelledBatches
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import choose_device, limit_threads
from office31_cli.engine.finetuning import FinetuningTask
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.inputs import Examples
from office31_cli.engine.mixed_batches import MixedBatches
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import Observer
from office31_cli.strategies.base import (
    START_SAMPLE,
    ParameterGroup,
    TrainingStart,
    trainable_parameters,
)
from office31_cli.text import pluralize
from office31_cli.workflow.adapt_training import build_unlabelled_examples
from office31_cli.workflow.added_items import initialise_added_rows
from office31_cli.workflow.domains import Domain, build_examples, build_inputs, open_domains, training_values
from office31_cli.workflow.finetune_request import FinetuneRequest
from office31_cli.workflow.partition import FewShotPartition, divide_few_shot
from office31_cli.workflow.retention import Retention, prepare_retention
from office31_cli.workflow.run import Run, build_settings, default_layers, fit_outputs
from office31_cli.workflow.starting_weights import StartingWeights


@dataclass(frozen=True, eq=False)
class FinetuneRun(Run):
    """A run on labels of the target, and where it was asked for on the source's and on the target's unlabelled rest."""

    request: FinetuneRequest
    partition: FewShotPartition
    retention: Retention | None
    """What tells how much of the old items is forgotten; None where no item is added."""

    def train(self, observer: Observer, checkpoints: Checkpoints | None = None) -> History:
        """As `Run.train`; raises `Misuse` where the epochs are too few for every layer to be trained."""
        groups = self.parameter_groups()
        self._check_every_layer_is_trained(groups)
        with limit_threads(self.split.name):
            task = self._build_task(groups)
            groups = [*groups, ParameterGroup(trainable_parameters(task.extra_modules))]
            training = distributed.build_training(task, groups, self._build_batches(), self.settings, self.device)
            return training.run(observer, checkpoints, resume=self.request.options.resume)

    def parameter_groups(self) -> list[ParameterGroup]:
        """The strategy's groups, divided by depth for a layer-wise learning rate or gradual unfreezing."""
        groups, refinements = self.request.strategy.parameter_groups(self.network), self.request.refinements
        if refinements.layer_decay is None and not refinements.gradual_unfreezing:
            return groups
        trained = {id(value) for group in groups for value in group.parameters}
        layers = [[value for value in layer if id(value) in trained] for layer in self.network.layers()]
        return group_by_depth(
            groups,
            [layer for layer in layers if layer],
            decay=refinements.layer_decay,
            epochs=self.settings.epochs if refinements.gradual_unfreezing else None,
        )

    def extra_metrics(self) -> dict[str, Any]:
        """The items that have fewer labels than were asked for, the size of the validation set, and of added items
        how well they are known and what was forgotten for them."""
        metrics: dict[str, Any] = {"fewer": self.partition.fewer, "validated": len(self.partition.validation)}
        if self.retention is not None:
            metrics["items_added"] = list(self.request.items_added)
            metrics |= self.retention.measure(self.split.trained_part, self.outputs)
        return metrics

    def identity(self) -> dict[str, Any]:
        """As `Run.identity`, with the validation set, and the unlabelled rest where it is used."""
        rest = self.partition.unlabelled.content if self.request.strategy.uses_unlabelled else None
        return super().identity() | {"validation": self.partition.validation.content, "unlabelled": rest}

    def labelled_parts(self) -> list[Photographs]:
        """As `Run.labelled_parts`, with the validation set."""
        return [*super().labelled_parts(), self.partition.validation]

    def _build_task(self, groups: list[ParameterGroup]) -> FinetuningTask:
        return FinetuningTask(
            self.network,
            self.split.trained_part,
            self.outputs,
            self.request.strategy,
            self._build_start(),
            self.request.refinements,
            self._validation_accuracy if len(self.partition.validation) else None,
            self.build_measure(),
            epochs=self.settings.epochs,
            first_full_epoch=math.ceil(max(group.start for group in groups) * self.settings.epochs),
            item_weights=self.item_weights([part.items for part in self.partition.train]),
        )

    def _check_every_layer_is_trained(self, groups: list[ParameterGroup]) -> None:
        """Raise `Misuse` where some parameters would still be frozen in the last epoch."""
        epochs = self.settings.epochs
        if any(group.parameters and group.start > (epochs - 1) / epochs for group in groups):
            raise Misuse(
                f"strategy {self.request.strategy_name}",
                f"with {pluralize(epochs, 'epoch')} some of its layers would never be trained",
                "use more --epochs",
            )

    def _build_start(self) -> TrainingStart:
        """What the strategy may look at before the first step: the network, and labelled photographs of all items."""
        (shown,) = self._build_examples(self.partition.train[:1])
        shown = shown.take(_order_in_turns(self.partition.train[0].items)[:START_SAMPLE])
        self.split.trained_part.to(self.device)
        targets = torch.from_numpy(shown.targets).to(self.device, torch.float32)
        return TrainingStart(
            self.network,
            self.split.trained_part,
            self.inputs.evaluation_views(shown),
            targets,
            lambda answers: torch.stack([*self.outputs.losses(answers, targets).values()]).sum(),
        )

    def _build_batches(self) -> Batches:
        how: dict[str, Any] = {
            "batch_size": self.settings.batch_size,
            "seed": self.settings.seed,
            "device": self.device,
            "shard": process_group.local_shard(),
        }
        labelled = self._build_examples(self.partition.train)
        rest = build_unlabelled_examples(self.partition.unlabelled, 0)
        if not self.request.strategy.uses_unlabelled:
            rest = rest.take(np.empty(0, dtype=np.int64))
        balanced = self.request.options.class_weights == "sampler"
        items = [part.items for part in self.partition.train] if balanced else None
        if len(labelled) == 1 and not len(rest):
            return LabelledBatches(self.inputs, labelled[0], **how, balanced_by=None if items is None else items[0])
        return MixedBatches(self.inputs, labelled, rest, **how, balanced_by=items)

    def _build_examples(self, parts: list[Photographs]) -> list[Examples]:
        """Of each part the photographs with their targets; a part is of one domain, in the inputs' order."""
        targets = self.outputs.targets(training_values(self.request.data, self.outputs, parts))
        examples, ends = build_examples(parts, targets), np.cumsum([len(part) for part in parts])
        return [examples.take(places) for places in np.split(np.arange(len(examples)), ends[:-1])]

    def _validation_accuracy(self, trained: nn.Module) -> float:
        """The validation accuracy for early stopping: of the item, if that is predicted, else of the first output."""
        validation = [self.partition.validation]
        raw = inference.predict(trained, self.inputs, build_examples(validation), self.device).double().numpy()
        scores = self.outputs.headlines(
            self.outputs.scores(raw, training_values(self.request.data, self.outputs, validation))
        )
        return scores.get("item", next(iter(scores.values())))


def build_finetune_run(
    request: FinetuneRequest, observer: Observer, opened: dict[str, Domain] | None = None
) -> FinetuneRun:
    """As `build_run`, with `opened` as in `open_domains`; raises `Failed` where there is too little to train on."""
    device = choose_device(request.options.device)
    start = StartingWeights.load(request, observer)
    layers = request.options.train or request.strategy.train or default_layers(request, device)
    opened = {} if opened is None else opened
    domains = open_domains(request, request.domains, start.preprocessing, observer, opened)
    partition = divide_few_shot(request, domains, observer)
    if request.strategy.uses_unlabelled and len(partition.unlabelled) < 2:
        raise Failed(
            f"strategy {request.strategy_name}",
            "it needs unlabelled photographs of the target, and none are left",
            "choose another --strategy, or fewer --labels",
        )
    network = start.build_network(fit_outputs(request, partition, observer), request.strategy.architecture)
    split = split_network(network, layers)
    inputs = build_inputs(split, domains, start.preprocessing, device, observer)
    settings = build_settings(request, layers)
    if (decay := request.strategy.weight_decay) is not None:
        settings = replace(settings, weight_decay=decay)
    retention = None
    if request.items_added:
        _warn_of_new_items_alone(request, partition, observer)
        assert start.parent is not None
        earlier, shown, items = start.parent.architecture.outputs, partition.train[0], len(request.data.items)
        initialise_added_rows(network, earlier, split.trained_part, inputs, shown, items, device)
        retention = prepare_retention(request, start, split, layers, partition, opened, device, observer)
    return FinetuneRun(request, start, network, layers, settings, partition, split, inputs, device, retention)


def _warn_of_new_items_alone(request: FinetuneRequest, partition: FewShotPartition, observer: Observer) -> None:
    """Warn where no label of the items that the stored network knows is trained on."""
    if not any((part.items < len(request.data.items) - len(request.items_added)).any() for part in partition.train):
        observer.warn(
            "there are labels of added items alone, so that the others are forgotten: add --with-source, or label "
            "some of them too"
        )


def _order_in_turns(items: IntArray) -> IntArray:
    """Places (n,) in an order that has one photograph of every item, then a second one, and so on."""
    turns = np.empty(len(items), dtype=np.int64)
    for item in np.unique(items):
        places = np.flatnonzero(items == item)
        turns[places] = np.arange(len(places))
    return np.argsort(turns, kind="stable")


def _first_epoch(depth: int, layers: int, epochs: int) -> int:
    """The epoch from which a layer is trained: one layer more each epoch, and all of them in the last."""
    return min(depth, math.ceil(depth * (epochs - 1) / max(1, layers - 1)))


def group_by_depth(
    groups: list[ParameterGroup], layers: list[list[nn.Parameter]], *, decay: float | None, epochs: int | None
) -> list[ParameterGroup]:
    """The groups' parameters in groups of one layer each, from the last layer down.

    With `decay`, a layer's learning rate is that of the layer above times it, whatever the groups' rates were. With
    `epochs`, the number of the training's epochs, one more layer is trained each epoch, or several where there are more
    layers than epochs.
    """
    by_layer = []
    for depth, layer in enumerate(layers):
        inside = {id(value) for value in layer}
        start = 0.0 if epochs is None else _first_epoch(depth, len(layers), epochs) / epochs
        for group in groups:
            shared = [value for value in group.parameters if id(value) in inside]
            scale = group.scale if decay is None else decay**depth
            by_layer.append(ParameterGroup(shared, scale, max(group.start, start)))
    return [group for group in by_layer if group.parameters]
