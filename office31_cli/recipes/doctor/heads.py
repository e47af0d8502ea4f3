"""Heads on cached features that are trained for the examination and thrown away, all of a kind as one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import nn

from office31_cli import methods
from office31_cli.data.splits import folds
from office31_cli.engine.batches import Pair
from office31_cli.engine.device import threads_for
from office31_cli.engine.draws import seed_torch
from office31_cli.engine.inputs import FrozenInputs
from office31_cli.errors import Failed
from office31_cli.models.network import BOTTLENECK, Head
from office31_cli.observer import Observer
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.benchmark.cells import SOURCE_ONLY
from office31_cli.recipes.doctor.probe import Case
from office31_cli.text import printable
from office31_cli.workflow.adapt_training import (
    check_material,
    labelled,
    learner_of,
    learning_together,
    nothing,
    unlabelled,
)
from office31_cli.workflow.run import settings_for

FOLDS = 5
"""Each photograph is judged by a head that learnt from the other four fifths."""

ADAPTED = 4
"""Heads that are adapted."""

_EPOCHS, _STEPS = 2, 150
"""A short training: three tenths of the steps that `adapt` takes."""


def out_of_fold(case: Case, name: str, observer: Observer) -> FloatArray:
    """Each item's probability (n, K) for a domain's photographs, from heads that did not learn from their labels.

    Raises `Failed` where a domain has too little to be divided.
    """
    photographs, seed = case.domains[name].photographs, case.request.options.seed
    numbers = folds(photographs.items, photographs.digests, count=FOLDS, seed=seed)
    if min(np.bincount(numbers, minlength=FOLDS)) < 2:
        raise Failed(f"domain {printable(name)}", f"too few photographs for {FOLDS} parts of two or more", "add some")
    place = case.place(name)
    pairs = [
        Pair(
            labelled(photographs.subset(numbers != fold), place),
            unlabelled(photographs.subset(numbers == fold), place),
            nothing(),
            f"{seed}, fold {fold}",
        )
        for fold in range(FOLDS)
    ]
    for pair in pairs:
        check_material(pair, [name], name)
    rows = {row: n for n, row in enumerate(photographs.rows.tolist())}
    found = np.zeros((len(photographs), len(case.data.items)))
    for pair, answered in zip(pairs, _trained(case, SOURCE_ONLY, pairs, observer), strict=True):
        found[[rows[row] for row in pair.target.rows.tolist()]] = answered
    return found


def adapted(case: Case, target: str, observer: Observer, epochs: int = _EPOCHS) -> FloatArray:
    """Each item's probability for the target's photographs, in the order of `unlabelled`, by heads (heads, n, K).

    Each is adapted by MCC, the default method's part, from a start of its own; unless told otherwise, shortly.
    """
    seed = case.request.options.seed
    pairs = [Pair(case.source(), case.target(target), nothing(), f"{seed}, head {number}") for number in range(ADAPTED)]
    check_material(pairs[0], case.request.domains, target)
    return np.stack(_trained(case, "mcc", pairs, observer, epochs))


def _trained(
    case: Case, method_name: str, pairs: Sequence[Pair], observer: Observer, epochs: int = _EPOCHS
) -> list[FloatArray]:
    """What a head for each pair, trained as one, makes of its target: (n, K) each."""
    method = methods.load(method_name)()
    settings = replace(settings_for(case.request, "head"), epochs=epochs)
    learners = [
        learner_of(nn.Identity(), head(case, pair.seed, case.condensed), method, case.request.options.seed)
        for pair in pairs
    ]
    adaptation, training = learning_together(
        learners, pairs, method, case.condensed, settings, _STEPS, case.device, validators=()
    )
    with threads_for("features"):
        training.run(observer)
        return [probabilities.double().cpu().numpy() for probabilities in adaptation.probabilities()]


def head(case: Case, seed: int | str, inputs: FrozenInputs) -> Head:
    """A fresh head for the inputs, condensed or not."""
    seed_torch("initial weights", seed)
    directions = inputs.directions
    whole = Head(case.inputs.width, BOTTLENECK, len(case.data.items))
    return whole if directions is None else whole.along(directions)
