"""The computing half of `adapt`: a run whose target has no labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from office31_cli.data.photographs import Photographs
from office31_cli.engine.adaptation import AdaptationTask
from office31_cli.engine.batches import SourceTargetData, split_evenly
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import choose_device, limit_threads
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.inputs import Examples, concatenate
from office31_cli.engine.loop import Training
from office31_cli.errors import Failed, Misuse
from office31_cli.methods.adabn import batch_norms
from office31_cli.metrics.validators import SOURCE
from office31_cli.observer import Observer
from office31_cli.text import pluralize
from office31_cli.workflow import seen_labels as labels_seen
from office31_cli.workflow.adapt_training import (
    accuracies,
    actual_items,
    agreed,
    check_material,
    in_passes,
    labelled,
    learner_of,
    learning_together,
    nothing,
    scores,
    unlabelled,
)
from office31_cli.workflow.calibration import Calibration
from office31_cli.workflow.domains import Domain, inputs_for, open_domains
from office31_cli.workflow.partition import Parts, divide
from office31_cli.workflow.pseudo_calibration import mixed_calibration
from office31_cli.workflow.request import ADAPT_STEPS, AdaptRequest
from office31_cli.workflow.run import HeldOut, Run, default_train, settings_for
from office31_cli.workflow.start import Start


@dataclass(frozen=True, eq=False)
class AdaptRun(Run):
    """A run that learns from the source's labels, if it has a source, and from the target's photographs."""

    request: AdaptRequest
    domain: Domain
    """The target's."""
    pair: SourceTargetData
    adaptation: AdaptationTask
    training: Training

    @classmethod
    def without_labels(cls, request: AdaptRequest, observer: Observer, opened: dict[str, Domain] | None = None) -> Self:
        """As `Run.of`, with `opened` as in `open_domains`.

        Raises `Failed` where source or target have too little to learn from.
        """
        device = choose_device(request.options.device)
        start = Start.of(request, observer)
        train = request.options.train or default_train(request, device)
        domains = open_domains(request, (*request.domains, request.target), start.preprocessing, observer, opened)
        parts = divide(request, domains[:-1])
        network = start.network(request.outputs)
        split = split_network(network, train)
        inputs = inputs_for(split, domains, start.preprocessing, device, observer, views=request.views)
        method = request.method
        settings = in_passes(settings_for(request, train), method)
        target = domains[-1].photographs
        if known := _labels_before(target, parts):
            observer.warn(
                f"{request.target}: the model has learnt the labels of {known:,} of its "
                f"{pluralize(len(target), 'photograph')} before, so the scores promise too much"
            )
        if method.passes is not None and not any(batch_norms(split.trained_part)):
            raise Misuse(
                f"--method {request.name}", "it changes batch norms, and no trained part has one", "choose another"
            )
        if method.passes is not None and split.frozen_part is not None and any(batch_norms(split.frozen_part)):
            observer.warn(
                f"{request.name} reaches the head's batch norm alone, as the backbone is frozen; "
                "with --train all it reaches every one"
            )
        pair = SourceTargetData(
            _all_labelled(parts.learnt),
            unlabelled(target, len(domains) - 1),
            _all_labelled(parts.held_out),
            settings.seed,
        )
        check_material(pair, request.domains, request.target)
        if request.steps is None and method.passes is None:
            request = replace(request, steps=_default_steps(pair, settings.batch_size, train, device))
        if request.validator == SOURCE and not len(pair.validation):
            raise Failed("--validator source", "no photograph of the source is kept back", "use a larger --held-out")
        adaptation, training = learning_together(
            [learner_of(split.stages[0], network.heads[0], method, settings.seed)],
            [pair],
            method,
            inputs,
            settings,
            request.steps,
            device,
        )
        return cls(
            request,
            start,
            network,
            train,
            settings,
            parts,
            split,
            inputs,
            device,
            domains[-1],
            pair,
            adaptation,
            training,
        )

    @property
    def target(self) -> Photographs:
        """The photographs to adapt to."""
        return self.domain.photographs

    def trained(self, observer: Observer, checkpoints: Checkpoints | None = None) -> History:
        """Train to the end; returns what each epoch came to."""
        with limit_threads(self.split.name):
            if self.request.method.teacher_methods():
                self.adaptation.set_pseudo_labels(self._agreed(observer, checkpoints))
            return self.training.run(observer, checkpoints, resume=self.request.options.resume)

    def _agreed(self, observer: Observer, checkpoints: Checkpoints | None) -> list[Tensor]:
        steps, method = self.request.steps, self.request.method
        learners = self.adaptation.networks()
        return agreed(
            method, learners, [self.pair], self.inputs, self.settings, steps, self.device, observer, checkpoints
        )

    def calibration(self, held_out: HeldOut | None, observer: Observer) -> Calibration | None:
        """What mends its confidence on the target, without a label of it; what the source holds out does not tell."""
        return mixed_calibration(self.network, self.domain, self.start.preprocessing, self.device, observer)

    def metrics(self) -> dict[str, Any]:
        """The target's scores: here, after the training, its labels are read for the first time."""
        actual = actual_items(self.target)
        return {
            "scores": scores(self.adaptation, 0, actual, self.request.validator),
            "accuracies": accuracies(self.adaptation, 0, actual),
        }

    def labels_used(self) -> dict[str, int]:
        """Those of the source, and of the target none but what the start has seen already."""
        return {self.request.target: _labels_before(self.target, self.parts)} | super().labels_used()

    def identity(self) -> dict[str, Any]:
        """As `Run.identity`; the target's photographs decide, too."""
        return super().identity() | {"adapted to": sorted(self.target.digests)}


def _default_steps(pair: SourceTargetData, batch_size: int, train: str, device: torch.device) -> int:
    """Of an epoch: on a CPU that trains on pixels, where a step takes a hundred times as long, a pass is enough.

    It shows the larger domain once.
    """
    if train == "head" or device.type != "cpu":
        return ADAPT_STEPS
    return min(ADAPT_STEPS, len(split_evenly(max(len(pair.source), len(pair.target)), batch_size)))


def _labels_before(target: Photographs, parts: Parts) -> int:
    """The labels of the target that the start has learnt, whatever the target was called then."""
    return int(labels_seen.seen(target, parts.seen).sum())


def _all_labelled(parts: Sequence[Photographs]) -> Examples:
    """One part a domain, in the domains' order."""
    return concatenate([nothing(), *(labelled(part, domain) for domain, part in enumerate(parts))])
