"""The computing half of `compare labels`."""

import time
from collections.abc import Callable
from functools import partial
from statistics import mean
from typing import Any

import numpy as np
from torch import nn

from office31_cli.data.photographs import Photographs
from office31_cli.engine import loop
from office31_cli.engine.draws import seed_torch
from office31_cli.errors import Failed
from office31_cli.observer import Observer, Once
from office31_cli.recipes import labelled
from office31_cli.recipes.adaptation import AdaptRun
from office31_cli.recipes.compare.labels import AS_STORED, TARGET_ALONE, LabelsPlan, LabelsRow
from office31_cli.recipes.compare.results import average
from office31_cli.recipes.finetuning import FinetuneRun
from office31_cli.recipes.material import examples
from office31_cli.recipes.request import AdaptRequest, FinetuneRequest
from office31_cli.recipes.run import Run
from office31_cli.recipes.unfinished import Unfinished
from office31_cli.text import printable

Figures = dict[str, Any]
"""One run's: accuracy on the `rest` and on the `held_out` part, labelled `photographs`, `seconds` of training."""


def rows(plan: LabelsPlan, observer: Observer) -> list[LabelsRow]:
    """A row for each strategy and budget, from no labels up, then that of the target alone."""
    observer = Once(observer)
    unfinished = Unfinished(observer)
    computing: list[tuple[int | None, str, Callable[[int], Figures]]] = [
        (0, AS_STORED, lambda seed: _as_stored(plan.alone[seed], observer))
    ]
    if plan.adapted:
        name = f"adapt {plan.adapted[plan.seeds[0]].name}"
        computing.append((0, name, lambda seed: _adapted(plan.adapted[seed], plan.alone[seed], unfinished, observer)))
    for (labels, name), requests in plan.finetuned.items():
        computing.append((labels, name, partial(_finetuned_with, requests, unfinished, observer)))
    if plan.heads_alone:
        computing.append((None, TARGET_ALONE, lambda seed: _alone(plan.alone[seed], unfinished, observer)))
    made = []
    with observer.track("comparing labels", len(computing) * len(plan.seeds)) as advance:
        for labels, name, compute in computing:
            found = []
            for seed in plan.seeds:
                found.append(compute(seed))
                advance(1)
            made.append(_row(labels, name, found))
    unfinished.clear()
    return made


def _as_stored(request: FinetuneRequest, observer: Observer) -> Figures:
    run = FinetuneRun.with_labels(request, observer)
    if not len(run.parts.held_out[0]):
        raise Failed(
            f"target {printable(request.domains[0])}",
            f"with seed {request.options.seed} none of its photographs is held out",
            "add photographs: an item needs two or more",
        )
    return _figures(run, run.parts.target, run.parts.held_out[0], place=0)


def _adapted(request: AdaptRequest, alone: FinetuneRequest, unfinished: Unfinished, observer: Observer) -> Figures:
    run = AdaptRun.without_labels(request, observer)
    kept_back = FinetuneRun.with_labels(alone, observer).parts.held_out[0]
    identity = {"compare": "labels", **run.identity(), "scored": kept_back.content}

    def compute() -> Figures:
        seconds = _trained(run, observer)
        return _figures(run, run.target, kept_back, place=len(request.domains), seconds=seconds)

    return unfinished.result(identity, compute)


def _finetuned_with(
    requests: dict[int, FinetuneRequest], unfinished: Unfinished, observer: Observer, seed: int
) -> Figures:
    run = FinetuneRun.with_labels(requests[seed], observer)
    identity = {"compare": "labels", **run.identity(), "scored": run.parts.target.content}
    return unfinished.result(identity, partial(_finetuned, run, observer))


def _alone(request: FinetuneRequest, unfinished: Unfinished, observer: Observer) -> Figures:
    """What the target's labels teach a fresh head."""
    run = FinetuneRun.with_labels(request, observer)
    seed_torch("initial weights", request.options.seed)
    for layer in run.network.heads.modules():
        if isinstance(layer, nn.Linear | nn.BatchNorm1d):
            layer.reset_parameters()
    identity = {"compare": TARGET_ALONE, **run.identity(), "scored": run.parts.target.content}
    return unfinished.result(identity, partial(_finetuned, run, observer))


def _finetuned(run: FinetuneRun, observer: Observer) -> Figures:
    seconds = _trained(run, observer)
    unlabelled = run.parts.unlabelled
    rest = unlabelled.subset(~labelled.seen(unlabelled, run.parts.seen))  # without twins of what was learnt
    learnt = len(run.parts.learnt[0]) + len(run.parts.validation)
    return _figures(run, rest, run.parts.held_out[0], place=0, learnt=learnt, seconds=seconds)


def _trained(run: Run, observer: Observer) -> float:
    began = time.monotonic()
    run.trained(observer)
    return round(time.monotonic() - began, 3)


def _figures(
    run: Run, rest: Photographs, kept_back: Photographs, *, place: int, learnt: int = 0, seconds: float = 0.0
) -> Figures:
    """Scored only now, with the labels of photographs that were not learnt from; the target is the domain `place`."""
    nothing = rest.subset(np.zeros(len(rest), dtype=np.bool_))
    raw = loop.predict(run.halves.trained, run.inputs, examples([nothing] * place + [rest]), run.device)
    right = run.outputs.answers(raw.double().numpy())["item"].argmax(1) == rest.items
    return {
        "rest": float(right.mean()),
        "held_out": float(right[np.isin(rest.rows, kept_back.rows)].mean()),
        "photographs": learnt,
        "seconds": seconds,
    }


def _row(labels: int | None, strategy: str, found: list[Figures]) -> LabelsRow:
    centre, spread = average([run["rest"] for run in found])
    assert centre is not None
    held_out = dict(zip(("mean", "std"), average([run["held_out"] for run in found]), strict=True))
    return LabelsRow(
        labels="all" if labels is None else labels,
        strategy=strategy,
        photographs=mean(run["photographs"] for run in found),
        mean=centre,
        std=spread,
        runs=[run["rest"] for run in found],
        held_out=held_out,
        seconds=round(mean(run["seconds"] for run in found), 3),
    )
