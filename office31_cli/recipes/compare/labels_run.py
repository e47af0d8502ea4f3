"""Train and score all runs of `compare labels`."""

import time
from collections.abc import Callable
from functools import partial
from statistics import mean
from typing import Any

import numpy as np
from torch import nn

from office31_cli.data.photographs import Photographs
from office31_cli.engine import inference
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.errors import Failed
from office31_cli.metrics.summary import mean_and_deviation
from office31_cli.observer import Observer, WithoutRepeats
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

Scores = dict[str, Any]
"""Of one run: accuracy on the `rest` and on the `held_out` part, labelled `photographs`, `seconds` of training."""


def compute_rows(plan: LabelsPlan, observer: Observer) -> list[LabelsRow]:
    """A row for each strategy and budget, from no labels up, then that of the target alone."""
    runner = _Runner(plan, WithoutRepeats(observer))
    computations: list[tuple[int | None, str, Callable[[int], Scores]]] = [(0, AS_STORED, runner.score_stored)]
    if plan.adapted:
        computations.append((0, f"adapt {plan.adapted[plan.seeds[0]].method_name}", runner.adapt))
    for (labels, name), requests in plan.finetuned.items():
        computations.append((labels, name, partial(runner.finetune, requests)))
    if plan.heads_alone:
        computations.append((None, TARGET_ALONE, runner.train_on_target_alone))
    runner.unfinished.total = (len(computations) - 1) * len(plan.seeds)
    rows: list[LabelsRow] = []
    with observer.track("comparing labels", len(computations) * len(plan.seeds)) as advance:
        for labels, name, compute in computations:
            scores = []
            for seed in plan.seeds:
                scores.append(compute(seed))
                advance(1)
            row = _build_row(labels, name, scores)
            rows.append(row)
            done = f"{len(rows)} of {len(computations)}: {row.strategy}, {describe_budget(row.labels)}"
            observer.say(f"{done}: {100 * row.mean:.1f} % of the rest")
    runner.unfinished.clear()
    return rows


class _Runner:
    """Trains and scores each run; the domains are opened once, and an interrupted comparison is resumed."""

    def __init__(self, plan: LabelsPlan, observer: Observer) -> None:
        self.unfinished = PartialResults(observer)
        self._plan, self._observer = plan, observer
        self._opened: dict[str, Domain] = {}

    def score_stored(self, seed: int) -> Scores:
        """Score the stored network as it is."""
        run = self._build_run(self._plan.alone[seed])
        if not len(run.partition.held_out[0]):
            raise Failed(
                f"target {printable(run.request.domains[0])}",
                f"with seed {seed} none of its photographs is held out",
                "add photographs: an item needs two or more",
            )
        return _score(run, run.partition.target.known(), run.partition.held_out[0], place=0)

    def adapt(self, seed: int) -> Scores:
        """Adapt without labels; scored on all of the target, and on what the other runs hold out."""
        request, alone = self._plan.adapted[seed], self._plan.alone[seed]
        run = build_adapt_run(request, self._observer, self._opened)
        held_out = divide_few_shot(alone, [self._opened[request.target]], self._observer).held_out[0]
        identity = {"compare": "labels", **run.identity(), "scored": held_out.content}

        def compute() -> Scores:
            seconds = _train(run, self._observer)
            return _score(run, run.target.known(), held_out, place=len(request.domains), seconds=seconds)

        return self.unfinished.get_or_compute(identity, compute)

    def finetune(self, requests: dict[int, FinetuneRequest], seed: int) -> Scores:
        """Fine-tune by a strategy with a budget of labels."""
        run = self._build_run(requests[seed])
        identity = {"compare": "labels", **run.identity(), "scored": run.partition.target.content}
        return self.unfinished.get_or_compute(identity, partial(_train_and_score, run, self._observer))

    def train_on_target_alone(self, seed: int) -> Scores:
        """Train a randomly initialised head on all labels of the target, without the source."""
        run = self._build_run(self._plan.alone[seed])
        seed_torch("initial weights", seed)
        for layer in run.network.heads.modules():
            if isinstance(layer, nn.Linear | nn.BatchNorm1d):
                layer.reset_parameters()
        identity = {"compare": TARGET_ALONE, **run.identity(), "scored": run.partition.target.content}
        return self.unfinished.get_or_compute(identity, partial(_train_and_score, run, self._observer))

    def _build_run(self, request: FinetuneRequest) -> FinetuneRun:
        return build_finetune_run(request, self._observer, self._opened)


def _train_and_score(run: FinetuneRun, observer: Observer) -> Scores:
    """Train, then score on the photographs whose labels were not used; copies of those that were are left out."""
    seconds = _train(run, observer)
    unlabelled = run.partition.unlabelled
    rest = unlabelled.subset(~seen_labels.find_seen(unlabelled, run.partition.seen)).known()
    labelled = len(run.partition.train[0]) + len(run.partition.validation)
    return _score(run, rest, run.partition.held_out[0], place=0, labelled=labelled, seconds=seconds)


def _train(run: Run, observer: Observer) -> float:
    """Train, and return the seconds."""
    began = time.monotonic()
    run.train(observer)
    return round(time.monotonic() - began, 3)


def _score(
    run: Run, rest: Photographs, held_out: Photographs, *, place: int, labelled: int = 0, seconds: float = 0.0
) -> Scores:
    """Accuracy on `rest` and on those of them that are held out; the target is the domain at `place` of the inputs."""
    nothing = rest.subset(np.zeros(len(rest), dtype=np.bool_))
    raw = inference.predict(run.split.trained_part, run.inputs, build_examples([nothing] * place + [rest]), run.device)
    right = run.outputs.decode_array(raw.double().numpy())["item"].argmax(1) == rest.items
    return {
        "rest": float(right.mean()),
        "held_out": float(right[np.isin(rest.rows, held_out.rows)].mean()),
        "photographs": labelled,
        "seconds": seconds,
    }


def _build_row(labels: int | None, strategy: str, scores: list[Scores]) -> LabelsRow:
    """A strategy's row with one budget, from its scores with each seed."""
    centre, spread = mean_and_deviation([run["rest"] for run in scores])
    assert centre is not None
    held_out = dict(zip(("mean", "std"), mean_and_deviation([run["held_out"] for run in scores]), strict=True))
    return LabelsRow(
        labels="all" if labels is None else labels,
        strategy=strategy,
        photographs=mean(run["photographs"] for run in scores),
        mean=centre,
        std=spread,
        runs=[run["rest"] for run in scores],
        held_out=held_out,
        seconds=round(mean(run["seconds"] for run in scores), 3),
    )
