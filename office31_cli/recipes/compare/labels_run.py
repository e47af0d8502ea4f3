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
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.errors import Failed
from office31_cli.metrics.summary import mean_and_deviation
from office31_cli.observer import Observer, WarnOnce
from office31_cli.recipes.compare.labels_results import AS_STORED, TARGET_ALONE, LabelsPlan, LabelsRow, describe_budget
from office31_cli.text import printable
from office31_cli.workflow import seen_labels
from office31_cli.workflow.adapt_run import build_adapt_run
from office31_cli.workflow.domains import Domain, build_examples
from office31_cli.workflow.finetune_request import FinetuneRequest
from office31_cli.workflow.finetune_run import FinetuneRun, build_finetune_run
from office31_cli.workflow.partial_results import PartialResults
from office31_cli.workflow.partition import divide_few_shot
from office31_cli.workflow.run import Run

Figures = dict[str, Any]
"""One run's: accuracy on the `rest` and on the `held_out` part, labelled `photographs`, `seconds` of training."""


def rows(plan: LabelsPlan, observer: Observer) -> list[LabelsRow]:
    """A row for each strategy and budget, from no labels up, then that of the target alone."""
    comparison = _Comparison(plan, WarnOnce(observer))
    computing: list[tuple[int | None, str, Callable[[int], Figures]]] = [(0, AS_STORED, comparison.score_stored)]
    if plan.adapted:
        computing.append((0, f"adapt {plan.adapted[plan.seeds[0]].method_name}", comparison.adapted))
    for (labels, name), requests in plan.finetuned.items():
        computing.append((labels, name, partial(comparison.finetuned, requests)))
    if plan.heads_alone:
        computing.append((None, TARGET_ALONE, comparison.alone))
    comparison.unfinished.total = (len(computing) - 1) * len(plan.seeds)
    made: list[LabelsRow] = []
    with observer.track("comparing labels", len(computing) * len(plan.seeds)) as advance:
        for labels, name, compute in computing:
            found = []
            for seed in plan.seeds:
                found.append(compute(seed))
                advance(1)
            made.append(_build_row(labels, name, found))
            observer.say(_told(made[-1], len(made), len(computing)))
    comparison.unfinished.clear()
    return made


def _told(row: LabelsRow, number: int, total: int) -> str:
    """A finished row in a line."""
    return f"{number} of {total}: {row.strategy}, {describe_budget(row.labels)}: {100 * row.mean:.1f} % of the rest"


class _Comparison:
    """What all runs share: the domains, each opened once, and what an interrupted comparison has left."""

    def __init__(self, plan: LabelsPlan, observer: Observer) -> None:
        self.unfinished = PartialResults(observer)
        self._plan, self._observer = plan, observer
        self._opened: dict[str, Domain] = {}

    def score_stored(self, seed: int) -> Figures:
        """The stored network, which learns nothing."""
        run = self._build_run(self._plan.alone[seed])
        if not len(run.partition.held_out[0]):
            raise Failed(
                f"target {printable(run.request.domains[0])}",
                f"with seed {seed} none of its photographs is held out",
                "add photographs: an item needs two or more",
            )
        return _figures(run, run.partition.target, run.partition.held_out[0], place=0)

    def adapted(self, seed: int) -> Figures:
        """Without labels; scored beside the rest on what the others hold out."""
        request, alone = self._plan.adapted[seed], self._plan.alone[seed]
        run = build_adapt_run(request, self._observer, self._opened)
        kept_back = divide_few_shot(alone, [self._opened[request.target]], self._observer).held_out[0]
        identity = {"compare": "labels", **run.identity(), "scored": kept_back.content}

        def compute() -> Figures:
            seconds = _trained(run, self._observer)
            return _figures(run, run.target, kept_back, place=len(request.domains), seconds=seconds)

        return self.unfinished.get_or_compute(identity, compute)

    def finetuned(self, requests: dict[int, FinetuneRequest], seed: int) -> Figures:
        """With a budget of labels, by a strategy."""
        run = self._build_run(requests[seed])
        identity = {"compare": "labels", **run.identity(), "scored": run.partition.target.content}
        return self.unfinished.get_or_compute(identity, partial(_finetuned, run, self._observer))

    def alone(self, seed: int) -> Figures:
        """What the target's labels teach a fresh head."""
        run = self._build_run(self._plan.alone[seed])
        seed_torch("initial weights", seed)
        for layer in run.network.heads.modules():
            if isinstance(layer, nn.Linear | nn.BatchNorm1d):
                layer.reset_parameters()
        identity = {"compare": TARGET_ALONE, **run.identity(), "scored": run.partition.target.content}
        return self.unfinished.get_or_compute(identity, partial(_finetuned, run, self._observer))

    def _build_run(self, request: FinetuneRequest) -> FinetuneRun:
        return build_finetune_run(request, self._observer, self._opened)


def _finetuned(run: FinetuneRun, observer: Observer) -> Figures:
    seconds = _trained(run, observer)
    unlabelled = run.partition.unlabelled
    rest = unlabelled.subset(~seen_labels.find_seen(unlabelled, run.partition.seen))  # without twins of what was learnt
    learnt = len(run.partition.train[0]) + len(run.partition.validation)
    return _figures(run, rest, run.partition.held_out[0], place=0, learnt=learnt, seconds=seconds)


def _trained(run: Run, observer: Observer) -> float:
    began = time.monotonic()
    run.train(observer)
    return round(time.monotonic() - began, 3)


def _figures(
    run: Run, rest: Photographs, kept_back: Photographs, *, place: int, learnt: int = 0, seconds: float = 0.0
) -> Figures:
    """Scored only now, with the labels of photographs that were not learnt from; the target is the domain `place`."""
    nothing = rest.subset(np.zeros(len(rest), dtype=np.bool_))
    raw = loop.predict(run.split.trained_part, run.inputs, build_examples([nothing] * place + [rest]), run.device)
    right = run.outputs.decode_array(raw.double().numpy())["item"].argmax(1) == rest.items
    return {
        "rest": float(right.mean()),
        "held_out": float(right[np.isin(rest.rows, kept_back.rows)].mean()),
        "photographs": learnt,
        "seconds": seconds,
    }


def _build_row(labels: int | None, strategy: str, found: list[Figures]) -> LabelsRow:
    centre, spread = mean_and_deviation([run["rest"] for run in found])
    assert centre is not None
    held_out = dict(zip(("mean", "std"), mean_and_deviation([run["held_out"] for run in found]), strict=True))
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
