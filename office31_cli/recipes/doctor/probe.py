"""The domains of an examination, their features, and heads that are trained and adapted on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from office31_cli import methods
from office31_cli.data.data_set import DataSet
from office31_cli.data.photographs import IntArray
from office31_cli.data.splits import assign_folds
from office31_cli.engine import inference
from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.device import choose_device, limit_threads
from office31_cli.engine.frozen_split import FrozenSplit, split_network
from office31_cli.engine.inputs import Examples, FrozenInputs, concatenate
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.errors import Failed
from office31_cli.models.network import BOTTLENECK, Head, Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.observer import Observer
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.doctor.results import FOLDS
from office31_cli.text import printable
from office31_cli.workflow.adapt_training import (
    AdaptationSetup,
    build_adaptation_network,
    build_labelled_examples,
    build_unlabelled_examples,
    check_enough_examples,
    no_examples,
    order_by_content,
)
from office31_cli.workflow.domains import Domain, compute_frozen_views, open_domain
from office31_cli.workflow.partition import divide
from office31_cli.workflow.request import SOURCE_ONLY, Request
from office31_cli.workflow.run import Run, build_settings
from office31_cli.workflow.starting_weights import StartingWeights
from office31_cli.workflow.target_estimate import TargetEstimate, estimate_target


@dataclass(frozen=True, eq=False)
class Probe:
    """Domains by name, the source's first, and their features, one array a domain in the same order."""

    request: Request
    domains: dict[str, Domain]
    start: StartingWeights
    network: Network
    split: FrozenSplit
    inputs: FrozenInputs
    """The network's features, one view of each photograph."""
    condensed: FrozenInputs
    """The same, projected onto their principal directions, for the heads that are trained for the examination."""
    device: torch.device

    @property
    def data(self) -> DataSet:
        """The data set."""
        return self.request.data

    @property
    def preprocessing(self) -> Preprocessing:
        """How photographs are resized and normalised for the network."""
        return self.start.preprocessing

    def place(self, name: str) -> int:
        """Which of the inputs' arrays are a domain's."""
        return list(self.domains).index(name)

    def source(self) -> Examples:
        """The source's photographs with their labels."""
        return concatenate(
            [
                build_labelled_examples(self.domains[name].photographs.known(), self.place(name))
                for name in self.request.domains
            ]
        )

    def target(self, name: str) -> Examples:
        """A domain's photographs without their labels."""
        return build_unlabelled_examples(self.domains[name].photographs, self.place(name))

    def items(self) -> IntArray:
        """The items of the source's photographs (n,), domain after domain."""
        return np.concatenate([self.domains[name].photographs.known().items for name in self.request.domains])

    def features(self, name: str) -> FloatArray:
        """Of a domain's readable photographs, in their order: (n, d), condensed."""
        rows = self.domains[name].photographs.rows
        examples = Examples(np.full(len(rows), self.place(name)), rows, np.empty((len(rows), 0)))
        return self.condensed.evaluation_views(examples).double().cpu().numpy()

    def predict(self, examples: Examples) -> FloatArray:
        """The items' probabilities (n, K) that the network gives to photographs."""
        raw = inference.predict(self.split.trained_part, self.inputs, examples, self.device)
        return self.network.architecture.outputs.decode_array(raw.double().numpy())["item"]

    def train(self, observer: Observer) -> None:
        """Train the head on the source as `pretrain` does."""
        source = [self.domains[name] for name in self.request.domains]
        parts, settings = divide(self.request, source), build_settings(self.request, "head")
        Run(
            self.request, self.start, self.network, "head", settings, parts, self.split, self.inputs, self.device
        ).train(observer)


def open_probe(request: Request, others: Sequence[str], observer: Observer) -> Probe:
    """Open the request's domains and others, and pass them through the network where that was not done before."""
    device = choose_device(request.options.device)
    start = StartingWeights.load(request, observer)
    names = dict.fromkeys((*request.domains, *others))
    domains = {name: _open_readable(request.data, name, start.preprocessing, observer) for name in names}
    network = start.build_network(request.outputs)
    split = split_network(network, "head")
    assert split.frozen_part is not None
    found = list(domains.values())
    features = compute_frozen_views(split.frozen_part, found, start.preprocessing, device, observer, views=1)
    orders = [domain.photographs.rows[order_by_content(domain.photographs)] for domain in found]
    with limit_threads("features"):  # so that the directions do not depend on the number of threads
        condensed = FrozenInputs.with_projection(features, orders, device)
    return Probe(request, domains, start, network, split, FrozenInputs(features, device), condensed, device)


def _open_readable(data: DataSet, name: str, preprocessing: Preprocessing, observer: Observer) -> Domain:
    """A domain whose unreadable pictures, if it has any, are left out; without any, its caches are everybody's."""
    try:
        return open_domain(data, name, preprocessing, skip_bad=False, observer=observer)
    except Failed:
        found = open_domain(data, name, preprocessing, skip_bad=True, observer=observer)
    if len(found.photographs) < 2:
        raise Failed(f"domain {name}", "fewer than two of its pictures can be read", "replace the others")
    return found


ADAPTED = 4
"""The number of heads that are adapted."""

_EPOCHS, _STEPS = 2, 150
"""A short training: three tenths of the steps that `adapt` takes."""


def predict_out_of_fold(probe: Probe, name: str, observer: Observer) -> FloatArray:
    """Probabilities (n, K) for a domain's photographs, each from a head that was not trained on its label.

    Raises `Failed` where a domain has too little to be divided.
    """
    photographs, seed = probe.domains[name].photographs.known(), probe.request.options.seed
    numbers = assign_folds(photographs.items, photographs.digests, count=FOLDS, seed=seed)
    if min(np.bincount(numbers, minlength=FOLDS)) < 2:
        raise Failed(f"domain {printable(name)}", f"too few photographs for {FOLDS} parts of two or more", "add some")
    place = probe.place(name)
    pairs = [
        SourceTargetData(
            build_labelled_examples(photographs.subset(numbers != fold), place),
            build_unlabelled_examples(photographs.subset(numbers == fold), place),
            no_examples(),
            f"{seed}, fold {fold}",
        )
        for fold in range(FOLDS)
    ]
    for pair in pairs:
        check_enough_examples(pair, [name], name)
    rows = {row: n for n, row in enumerate(photographs.rows.tolist())}
    found = np.zeros((len(photographs), len(probe.data.items)))
    for pair, answered in zip(pairs, _train_heads(probe, SOURCE_ONLY, pairs, observer), strict=True):
        found[[rows[row] for row in pair.target.rows.tolist()]] = answered
    return found


def adapt_heads(
    probe: Probe, target: str, observer: Observer, epochs: int = _EPOCHS, estimate: TargetEstimate | None = None
) -> FloatArray:
    """Each item's probability for the target's photographs, in the order of their contents, by heads (heads, n, K).

    Each is adapted by MCC, the default method's part, from a start of its own; unless told otherwise, shortly. With an
    `estimate` they heed which items the target seems to show, as `adapt` does.
    """
    seed = probe.request.options.seed
    pairs = [
        SourceTargetData(probe.source(), probe.target(target), no_examples(), f"{seed}, head {number}")
        for number in range(ADAPTED)
    ]
    if estimate is not None:
        pairs = [estimate.complete(pair) for pair in pairs]
    check_enough_examples(pairs[0], probe.request.domains, target)
    return np.stack(_train_heads(probe, "mcc", pairs, observer, epochs))


def estimate_item_sets(probe: Probe, target: str) -> TargetEstimate:
    """Which items the target seems to show, estimated as `adapt` does."""
    seed = probe.request.options.seed
    pair = SourceTargetData(probe.source(), probe.target(target), no_examples(), seed)
    parts = [probe.domains[name].photographs.known() for name in probe.request.domains]
    digests = [digest for part in parts for digest in part.digests]
    return estimate_target(probe.condensed, pair, digests, build_head(probe, seed, probe.condensed), probe.device)


def _train_heads(
    probe: Probe, method_name: str, pairs: Sequence[SourceTargetData], observer: Observer, epochs: int = _EPOCHS
) -> list[FloatArray]:
    """Train a head for each pair, all as one training; returns each head's probabilities of its target, (n, K)."""
    method = methods.load(method_name)()
    settings = replace(build_settings(probe.request, "head"), epochs=epochs)
    networks = [
        build_adaptation_network(
            nn.Identity(), build_head(probe, pair.seed, probe.condensed), method, probe.request.options.seed
        )
        for pair in pairs
    ]
    setup = AdaptationSetup(method, probe.condensed, settings, _STEPS, probe.device, validators=())
    task, training = setup.build_training(networks, pairs)
    with limit_threads("features"):
        training.run(observer)
        return [probabilities.double().cpu().numpy() for probabilities in task.probabilities()]


def build_head(probe: Probe, seed: int | str, inputs: FrozenInputs) -> Head:
    """A randomly initialised head for the inputs, projected or not."""
    seed_torch("initial weights", seed)
    directions = inputs.directions
    whole = Head(probe.inputs.width, BOTTLENECK, len(probe.data.items))
    return whole if directions is None else whole.project_onto(directions)
