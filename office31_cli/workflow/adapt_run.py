"""An adaptation, ready to be trained: on the source's labels and the target's photographs."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli.data.photographs import Photographs
from office31_cli.engine.adaptation import AdaptationTask
from office31_cli.engine.batches import SourceTargetData, split_evenly
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import choose_device, limit_threads
from office31_cli.engine.frozen_split import FrozenSplit, split_network
from office31_cli.engine.inputs import Examples, FrozenInputs, Inputs, concatenate
from office31_cli.engine.loop import Training
from office31_cli.errors import Failed, Misuse
from office31_cli.methods.adabn import batch_norms
from office31_cli.metrics.validators import SOURCE
from office31_cli.models.network import Head, Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.observer import Observer
from office31_cli.text import pluralize
from office31_cli.workflow import seen_labels
from office31_cli.workflow.adapt_request import AdaptRequest
from office31_cli.workflow.adapt_training import (
    AdaptationSetup,
    actual_items,
    build_adaptation_network,
    build_labelled_examples,
    build_unlabelled_examples,
    check_enough_examples,
    compute_accuracies,
    fix_epochs,
    no_examples,
    score_run,
)
from office31_cli.workflow.calibration import Calibration
from office31_cli.workflow.domains import Domain, build_inputs, open_domains
from office31_cli.workflow.item_sets import AUTO, UNKNOWN_ITEM
from office31_cli.workflow.partition import Partition, divide
from office31_cli.workflow.pseudo_calibration import fit_mixed_calibration
from office31_cli.workflow.request import ADAPT_STEPS
from office31_cli.workflow.run import HeldOutPredictions, Run, build_settings, default_layers
from office31_cli.workflow.starting_weights import StartingWeights
from office31_cli.workflow.target_estimate import TargetEstimate, estimate_target
from office31_cli.workflow.unknown_detector import KNOWN, Heads, UnknownDetector, fit_target_detector


@dataclass(frozen=True, eq=False)
class AdaptRun(Run):
    """A run on the source's labels, if it has a source, and on the target's photographs."""

    request: AdaptRequest
    domain: Domain
    """The target's."""
    pair: SourceTargetData
    estimate: TargetEstimate
    setup: AdaptationSetup
    task: AdaptationTask
    training: Training

    @property
    def target(self) -> Photographs:
        """The photographs to adapt to."""
        return self.domain.photographs

    def train(self, observer: Observer, checkpoints: Checkpoints | None = None) -> History:
        """As `Run.train`; where the method has teachers, they are trained first."""
        with limit_threads(self.split.name):
            if self.request.method.teacher_methods():
                self.task.set_pseudo_labels([self._distill_teachers(observer, checkpoints)])
            return self.training.run(observer, checkpoints, resume=self.request.options.resume)

    def _distill_teachers(self, observer: Observer, checkpoints: Checkpoints | None) -> Tensor:
        """The pseudo-labels (n, K) of the method's teachers, or those of the estimate where that has some."""
        if self.estimate.pseudo_labels is not None:
            return self.estimate.choose_pseudo_labels(None)
        (probabilities,) = self.setup.train_teachers(self.task.networks(), [self.pair], observer, checkpoints)
        return self.estimate.choose_pseudo_labels(probabilities)

    def fit_detector(self, held_out: HeldOutPredictions | None) -> UnknownDetector | None:
        """What tells photographs of unknown items, fitted on the target's photographs, without their labels.

        Each counts as far as it is estimated to be known. None where what is predicted is the same for all.
        """
        method, (network,) = self.request.method, self.task.networks()
        output = self.task.model_output(0)
        heads = None
        if method.unknown_score == KNOWN:
            layer = network.extra_modules[KNOWN]
            assert isinstance(layer, nn.Linear)
            weight, bias = (each.detach().double().cpu().numpy() for each in (layer.weight, layer.bias))
            heads = Heads(weight=weight, bias=bias)
        return fit_target_detector(
            output.probabilities.double().cpu().numpy(),
            output.features.double().cpu().numpy(),
            self.estimate.known,
            heads,
            f"{self.target.domain}, without labels",
            method.unknown_threshold(self.outputs.by_column()["item"].width),
        )

    def fit_calibration(self, held_out: HeldOutPredictions | None, observer: Observer) -> Calibration | None:
        """A calibration for the target, fitted without its labels: the source's held-out set says little of it."""
        return fit_mixed_calibration(self.network, self.domain, self.start.preprocessing, self.device, observer)

    def extra_metrics(self) -> dict[str, Any]:
        """The target's scores; its labels are read here, after the training, for the first time."""
        actual = actual_items(self.target)
        return {
            "scores": score_run(self.task, 0, actual, self.request.validator),
            "accuracies": compute_accuracies(self.task, 0, actual),
            **self.estimate.to_json(),
            "target_photographs": len(self.target),
            "predicted": self._count_predicted(),
        }

    def _count_predicted(self) -> dict[str, float]:
        """The share of the target's photographs that are predicted as each item, or called unknown."""
        items, predicted = self.outputs.by_column()["item"].vocabulary, self.task.predictions(0)[-1]
        unknown = np.zeros(len(predicted), dtype=np.bool_)
        if self.estimate.known is not None and (detector := self.fit_detector(None)) is not None:
            output = self.task.model_output(0)
            probabilities, features = (each.double().cpu().numpy() for each in (output.probabilities, output.features))
            unknown = detector.scores(probabilities, features) > detector.threshold
        counts = np.bincount(predicted[~unknown], minlength=len(items)) / len(predicted)
        shares = dict(zip(items, counts.tolist(), strict=True))
        return shares if self.estimate.known is None else shares | {UNKNOWN_ITEM: float(unknown.mean())}

    def count_labels_used(self) -> dict[str, int]:
        """As `Run.count_labels_used`; of the target, those that the starting network has seen."""
        return {self.request.target: _count_seen(self.target, self.partition)} | super().count_labels_used()

    def resolved_options(self) -> dict[str, Any]:
        """As `Run.resolved_options`, without those that the method or the trained part leave no choice in."""
        fixed = ("epochs", "steps") if self.request.method.passes is not None else ()
        left_out = (*fixed, "views") if self.trained_layers == "all" else fixed
        return super().resolved_options() | {"setting": self.estimate.setting} | dict.fromkeys(left_out)

    def identity(self) -> dict[str, Any]:
        """As `Run.identity`, with the target's photographs, and its setting where that changes the training."""
        setting = {} if self.estimate.setting == "closed" else {"setting": self.estimate.setting}
        return super().identity() | {"adapted to": sorted(self.target.digests)} | setting


def build_adapt_run(request: AdaptRequest, observer: Observer, opened: dict[str, Domain] | None = None) -> AdaptRun:
    """As `build_run`, with `opened` as in `open_domains`.

    Raises `Misuse` where the method has nothing to change in what is trained, and `Failed` where source or target have
    too few photographs.
    """
    device = choose_device(request.options.device)
    start = StartingWeights.load(request, observer)
    layers = request.options.train or default_layers(request, device)
    domains = open_domains(request, (*request.domains, request.target), start.preprocessing, observer, opened)
    partition = divide(request, domains[:-1])
    network = start.build_network(request.outputs)
    split = split_network(network, layers)
    inputs = build_inputs(split, domains, start.preprocessing, device, observer, views=request.views)
    settings = fix_epochs(build_settings(request, layers), request.method)
    _warn_of_seen_labels(domains[-1].photographs, partition, observer)
    _check_batch_norms(request, split, observer)
    pair = _build_pair(request, domains[-1].photographs, partition)
    if request.steps is None and request.method.passes is None:
        request = replace(request, steps=_default_steps(pair, settings.batch_size, layers, device))
    estimate = _estimate_target(
        request, network, layers, inputs, domains, start.preprocessing, pair, partition, observer
    )
    if request.method.guarded:
        pair = estimate.complete(pair)
    setup = AdaptationSetup(request.method, inputs, settings, request.steps, device)
    adapted = build_adaptation_network(split.stages[0], network.heads[0], request.method, settings.seed)
    task, training = setup.build_training([adapted], [pair])
    return AdaptRun(
        request=request,
        start=start,
        network=network,
        trained_layers=layers,
        settings=settings,
        partition=partition,
        split=split,
        inputs=inputs,
        device=device,
        domain=domains[-1],
        pair=pair,
        estimate=estimate,
        setup=setup,
        task=task,
        training=training,
    )


def _warn_of_seen_labels(target: Photographs, partition: Partition, observer: Observer) -> None:
    if seen := _count_seen(target, partition):
        observer.warn(
            f"{target.domain}: the model has seen the labels of {seen:,} of its "
            f"{pluralize(len(target), 'photograph')} before, so the scores promise too much"
        )


def _count_seen(target: Photographs, partition: Partition) -> int:
    """How many labels of the target the starting network has seen, whatever the target was called then."""
    return int(seen_labels.find_seen(target, partition.seen).sum())


def _build_pair(request: AdaptRequest, target: Photographs, partition: Partition) -> SourceTargetData:
    """The source's labelled photographs, those that are held out, and the target's without labels.

    Raises `Failed` where there are too few.
    """
    pair = SourceTargetData(
        _concatenate_labelled(partition.train),
        build_unlabelled_examples(target, len(partition.train)),
        _concatenate_labelled(partition.held_out),
        request.options.seed,
    )
    check_enough_examples(pair, request.domains, request.target)
    if request.validator == SOURCE and not len(pair.validation):
        raise Failed("--validator source", "no photograph of the source is held out", "use a larger --held-out")
    return pair


def _estimate_target(
    request: AdaptRequest,
    network: Network,
    layers: str,
    inputs: Inputs,
    domains: list[Domain],
    preprocessing: Preprocessing,
    pair: SourceTargetData,
    partition: Partition,
    observer: Observer,
) -> TargetEstimate:
    """What the target shows, as far as the request's setting has it estimated: from the whole backbone's features."""
    if request.setting == "closed" or not len(pair.source):
        return TargetEstimate("closed" if request.setting == AUTO else request.setting, None)
    device, head = choose_device(request.options.device), network.heads[0]
    assert isinstance(head, Head)
    if layers != "head":
        whole = split_network(copy.deepcopy(network), "head")  # a copy, as splitting freezes
        inputs = build_inputs(whole, domains, preprocessing, device, observer)
    assert isinstance(inputs, FrozenInputs)
    digests = [digest for part in partition.train for digest in part.digests]
    return estimate_target(inputs, pair, digests, head, device, request.setting)


def _concatenate_labelled(parts: Sequence[Photographs]) -> Examples:
    """The photographs of all parts; each part is of one domain, in the inputs' order."""
    return concatenate([no_examples(), *(build_labelled_examples(part, domain) for domain, part in enumerate(parts))])


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


def _default_steps(pair: SourceTargetData, batch_size: int, layers: str, device: torch.device) -> int:
    """Steps of an epoch: `ADAPT_STEPS`, but on a CPU that trains on pixels at most a pass over the larger domain.

    A step takes a hundred times as long there as on cached features.
    """
    if layers == "head" or device.type != "cpu":
        return ADAPT_STEPS
    return min(ADAPT_STEPS, len(split_evenly(max(len(pair.source), len(pair.target)), batch_size)))
