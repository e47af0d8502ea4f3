"""The computing half of `adapt`: a run whose target has no labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from office31_cli.data.photographs import Photographs
from office31_cli.engine.adaptation import AdaptationTask
from office31_cli.engine.batches import SourceTargetData, split_evenly
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import choose_device, limit_threads
from office31_cli.engine.frozen_split import FrozenSplit, split_network
from office31_cli.engine.inputs import Examples, concatenate
from office31_cli.engine.loop import Training
from office31_cli.errors import Failed, Misuse
from office31_cli.methods.adabn import batch_norms
from office31_cli.metrics.validators import SOURCE
from office31_cli.observer import Observer
from office31_cli.text import pluralize
from office31_cli.workflow import seen_labels
from office31_cli.workflow.adapt_request import AdaptRequest
from office31_cli.workflow.adapt_training import (
    actual_items,
    build_joint_training,
    build_labelled_examples,
    build_learner,
    build_unlabelled_examples,
    check_enough_examples,
    compute_accuracies,
    no_examples,
    score_run,
    set_passes,
    train_teachers,
)
from office31_cli.workflow.calibration import Calibration
from office31_cli.workflow.domains import Domain, build_inputs, open_domains
from office31_cli.workflow.partition import Partition, divide
from office31_cli.workflow.pseudo_calibration import fit_mixed_calibration
from office31_cli.workflow.request import ADAPT_STEPS
from office31_cli.workflow.run import HeldOut, Run, build_settings, default_part
from office31_cli.workflow.starting_weights import StartingWeights


@dataclass(frozen=True, eq=False)
class AdaptRun(Run):
    """A run that learns from the source's labels, if it has a source, and from the target's photographs."""

    request: AdaptRequest
    domain: Domain
    """The target's."""
    pair: SourceTargetData
    adaptation: AdaptationTask
    training: Training

    @property
    def target(self) -> Photographs:
        """The photographs to adapt to."""
        return self.domain.photographs

    def train(self, observer: Observer, checkpoints: Checkpoints | None = None) -> History:
        """Train to the end; returns what each epoch came to."""
        with limit_threads(self.split.name):
            if self.request.method.teacher_methods():
                self.adaptation.set_pseudo_labels(self._train_teachers(observer, checkpoints))
            return self.training.run(observer, checkpoints, resume=self.request.options.resume)

    def _train_teachers(self, observer: Observer, checkpoints: Checkpoints | None) -> list[Tensor]:
        steps, method = self.request.steps, self.request.method
        learners = self.adaptation.networks()
        return train_teachers(
            method, learners, [self.pair], self.inputs, self.settings, steps, self.device, observer, checkpoints
        )

    def fit_calibration(self, held_out: HeldOut | None, observer: Observer) -> Calibration | None:
        """What mends its confidence on the target, without a label of it; what the source holds out does not tell."""
        return fit_mixed_calibration(self.network, self.domain, self.start.preprocessing, self.device, observer)

    def extra_metrics(self) -> dict[str, Any]:
        """The target's scores: here, after the training, its labels are read for the first time."""
        actual = actual_items(self.target)
        return {
            "scores": score_run(self.adaptation, 0, actual, self.request.validator),
            "accuracies": compute_accuracies(self.adaptation, 0, actual),
        }

    def count_labels_used(self) -> dict[str, int]:
        """Those of the source, and of the target none but what the start has seen already."""
        return {self.request.target: _count_seen(self.target, self.partition)} | super().count_labels_used()

    def resolved_options(self) -> dict[str, Any]:
        """As `Run.resolved_options`, without those that the method or the trained part leave no choice in."""
        fixed = ("epochs", "steps") if self.request.method.passes is not None else ()
        left_out = (*fixed, "views") if self.trained_part == "all" else fixed
        return super().resolved_options() | dict.fromkeys(left_out)

    def identity(self) -> dict[str, Any]:
        """As `Run.identity`; the target's photographs decide, too."""
        return super().identity() | {"adapted to": sorted(self.target.digests)}


def build_adapt_run(request: AdaptRequest, observer: Observer, opened: dict[str, Domain] | None = None) -> AdaptRun:
    """As `build_run`, with `opened` as in `open_domains`.

    Raises `Failed` where source or target have too little to train on.
    """
    device = choose_device(request.options.device)
    start = StartingWeights.load(request, observer)
    part = request.options.train or default_part(request, device)
    domains = open_domains(request, (*request.domains, request.target), start.preprocessing, observer, opened)
    partition = divide(request, domains[:-1])
    network = start.build_network(request.outputs)
    split = split_network(network, part)
    inputs = build_inputs(split, domains, start.preprocessing, device, observer, views=request.views)
    method, target = request.method, domains[-1].photographs
    settings = set_passes(build_settings(request, part), method)
    if seen := _count_seen(target, partition):
        observer.warn(
            f"{request.target}: the model has seen the labels of {seen:,} of its "
            f"{pluralize(len(target), 'photograph')} before, so the scores promise too much"
        )
    _check_batch_norms(request, split, observer)
    pair = SourceTargetData(
        _label_all(partition.train),
        build_unlabelled_examples(target, len(domains) - 1),
        _label_all(partition.held_out),
        settings.seed,
    )
    check_enough_examples(pair, request.domains, request.target)
    if request.steps is None and method.passes is None:
        request = replace(request, steps=_default_steps(pair, settings.batch_size, part, device))
    if request.validator == SOURCE and not len(pair.validation):
        raise Failed("--validator source", "no photograph of the source is held out", "use a larger --held-out")
    adaptation, training = build_joint_training(
        [build_learner(split.stages[0], network.heads[0], method, settings.seed)],
        [pair],
        method,
        inputs,
        settings,
        request.steps,
        device,
    )
    return AdaptRun(
        request,
        start,
        network,
        part,
        settings,
        partition,
        split,
        inputs,
        device,
        domains[-1],
        pair,
        adaptation,
        training,
    )


def _check_batch_norms(request: AdaptRequest, split: FrozenSplit, observer: Observer) -> None:
    """Raise `Misuse` where a method that works by batch norms finds none to train; warn where it leaves some out."""
    if not request.method.changes_batch_norms:
        return
    if not any(batch_norms(split.trained_part)):
        raise Misuse(
            f"--method {request.method_name}",
            "it works by batch norms, and the part that is trained has none",
            "choose another",
        )
    if split.frozen_part is not None and any(batch_norms(split.frozen_part)):
        observer.warn(
            f"{request.method_name} reaches the head's batch norm alone, as the backbone is frozen; "
            "with --train all it reaches every one"
        )


def _default_steps(pair: SourceTargetData, batch_size: int, part: str, device: torch.device) -> int:
    """Of an epoch: on a CPU that trains on pixels, where a step takes a hundred times as long, a pass is enough.

    It shows the larger domain once.
    """
    if part == "head" or device.type != "cpu":
        return ADAPT_STEPS
    return min(ADAPT_STEPS, len(split_evenly(max(len(pair.source), len(pair.target)), batch_size)))


def _count_seen(target: Photographs, partition: Partition) -> int:
    """The labels of the target that the start has learnt, whatever the target was called then."""
    return int(seen_labels.find_seen(target, partition.seen).sum())


def _label_all(parts: Sequence[Photographs]) -> Examples:
    """One part a domain, in the domains' order."""
    return concatenate([no_examples(), *(build_labelled_examples(part, domain) for domain, part in enumerate(parts))])
