"""What `benchmark` computes: for each method and seed one run per task, and these are trained together."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli import methods as adaptation_methods
from office31_cli.data.photographs import IntArray, Photographs
from office31_cli.data.splits import choose_held_out
from office31_cli.engine.adaptation import AdaptationTask
from office31_cli.engine.adaptation_network import AdaptationNetwork
from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.device import limit_threads
from office31_cli.engine.inputs import FrozenInputs
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.errors import Failed
from office31_cli.methods.base import Method
from office31_cli.models.network import BOTTLENECK, Head
from office31_cli.observer import SILENT
from office31_cli.recipes.benchmark.item_split import HOS, ItemPlan, keep_items
from office31_cli.recipes.benchmark.open_set import score_unknown
from office31_cli.recipes.benchmark.results import TaskItemCounts
from office31_cli.workflow.adapt_training import (
    AdaptationSetup,
    actual_items,
    build_adaptation_network,
    build_labelled_examples,
    build_unlabelled_examples,
    fix_epochs,
    no_examples,
    score_run,
)
from office31_cli.workflow.request import SOURCE_ONLY
from office31_cli.workflow.target_estimate import TargetEstimate, estimate_target

Scores = dict[str, Any]
"""A cell's three accuracies, the validator's score of its last epoch, and its seconds; or why it has `failed`."""


@dataclass(frozen=True)
class TaskRun:
    """One run: a task with a seed."""

    task: str
    seed: int


@dataclass(frozen=True)
class Job:
    """Methods that one process computes one after the other with one seed: they start from the same networks."""

    seed: int
    methods: tuple[str, ...]


@dataclass(frozen=True)
class SourceHeads:
    """By task the heads that `erm` trained with one seed, but for runs that failed, and the scores of all runs."""

    heads: dict[str, Head]
    scores: dict[str, Scores]


@dataclass(frozen=True, eq=False)
class BenchmarkSetup:
    """What all runs share: the tasks, cached features of every domain, and how to train on them.

    It can be sent to another process, or to another machine: a job needs nothing else.
    """

    tasks: dict[str, tuple[str, str]]
    """Source and target by the task's name."""
    methods: dict[str, Method]
    steps: int
    validator: str
    names: tuple[str, ...]
    """The items that `photographs` is numbered by."""
    items: ItemPlan
    photographs: dict[str, Photographs]
    """By domain."""
    inputs: FrozenInputs
    settings: Settings
    device: torch.device
    held_out: float = 0.0
    """The held-out share of the source's labels, for a validator that needs some."""
    sources: dict[int, SourceHeads] = field(default_factory=dict)
    """By seed the networks that `erm` trained, once a source-free method has needed them."""
    estimates: dict[TaskRun, TargetEstimate] = field(default_factory=dict)
    """What the targets seem to show, once a method has needed it."""

    def __call__(self, job: Job) -> dict[str, dict[str, Scores]]:
        """Run a job and return its scores by method and task; a cell that fails leaves the others alone."""
        return {name: self.compute(name, job.seed) for name in job.methods}

    def list_trained(self, job: Job) -> tuple[str, ...]:
        """The methods that a job trains, `erm` first where one of them starts from its networks."""
        needs_source_only = any(self.methods[name].source_free for name in job.methods)
        others = tuple(name for name in job.methods if name != SOURCE_ONLY)
        return (SOURCE_ONLY, *others) if needs_source_only or SOURCE_ONLY in job.methods else others

    def compute(self, name: str, seed: int) -> dict[str, Scores]:
        """Run every task by one method with one seed, and return the scores by task."""
        if name == SOURCE_ONLY:
            return self._train_source_only(seed).scores
        cells = [TaskRun(task, seed) for task in self.tasks]
        return self._train_alike(cells, self.methods[name], partial(self._train_tasks, name))

    def build_head(self, task: str, seed: int) -> Head:
        """A randomly initialised head, which predicts the items of the task's source."""
        seed_torch("initial weights", seed)
        directions = self.inputs.directions
        width = self.inputs.width if directions is None else len(directions)
        whole = Head(width, BOTTLENECK, len(self.items.tasks[task].source))
        return whole if directions is None else whole.project_onto(directions)

    def select_source(self, task: str) -> Photographs:
        """The photographs of a task's source."""
        items = self.items.tasks[task]
        return keep_items(self.photographs[self.tasks[task][0]], self.names, items.source, items.source).known()

    def select_target(self, task: str) -> Photographs:
        """The photographs of a task's target, numbered by the source's items."""
        items = self.items.tasks[task]
        return keep_items(self.photographs[self.tasks[task][1]], self.names, items.target, items.source)

    def count_items(self, task: str) -> TaskItemCounts:
        """How many items and photographs a task has."""
        sets = self.items.tasks[task].sets
        photographs = [len(self.select_source(task)), len(self.select_target(task))]
        return TaskItemCounts(len(sets.shared), len(sets.missing), len(sets.unknown), *photographs)

    def build_pair(self, cell: TaskRun) -> SourceTargetData:
        """A cell's source with its labels, and its target without any."""
        source, target = self.tasks[cell.task]
        places = list(self.photographs)
        trained, held_out = self._divide_source(cell)
        validation = build_labelled_examples(held_out, places.index(source)) if self.held_out else no_examples()
        unlabelled = build_unlabelled_examples(self.select_target(cell.task), places.index(target))
        return SourceTargetData(
            build_labelled_examples(trained, places.index(source)), unlabelled, validation, cell.seed
        )

    def _divide_source(self, cell: TaskRun) -> tuple[Photographs, Photographs]:
        """The photographs of a cell's source to train on, and those that are held out."""
        known = self.select_source(cell.task)
        held_out = np.zeros(len(known), dtype=np.bool_)
        if self.held_out:
            held_out = choose_held_out(known.items, known.digests, fraction=self.held_out, seed=cell.seed)
        return known.subset(~held_out), known.subset(held_out)

    def estimate_target(self, cell: TaskRun, method: Method) -> TargetEstimate:
        """What a cell's target seems to show, decided without its labels; not estimated where all domains are alike.

        A method that does not look at the target is given nothing of it, either.
        """
        if self.items.setting == "closed" or not method.uses_target:
            return TargetEstimate("closed", None)
        if cell not in self.estimates:
            digests, head = self._divide_source(cell)[0].digests, self.build_head(cell.task, cell.seed)
            with limit_threads("features"):
                self.estimates[cell] = estimate_target(self.inputs, self.build_pair(cell), digests, head, self.device)
        return self.estimates[cell]

    def _train_tasks(self, name: str, cells: Sequence[TaskRun]) -> dict[str, Scores]:
        """Train one run a cell, all with one seed: as one training, unless the method fixes its number of passes."""
        method, seed = self.methods[name], cells[0].seed
        if method.source_free:  # from copies, as others start from the same heads
            before = self._train_source_only(seed)
            for cell in cells:
                if cell.task not in before.heads:
                    raise Failed(SOURCE_ONLY, before.scores[cell.task]["failed"], "try a smaller --lr")
            heads = [copy.deepcopy(before.heads[cell.task]) for cell in cells]
        else:
            heads = [self.build_head(cell.task, seed) for cell in cells]
        size = 1 if method.passes else len(cells)
        scores: dict[str, Scores] = {}
        for first in range(0, len(cells), size):
            scores |= self._train(method, heads[first : first + size], cells[first : first + size])
        return scores

    def _train_source_only(self, seed: int) -> SourceHeads:
        """Every task by `erm` with one seed, trained once: its scores, and the networks of source-free methods."""
        if seed not in self.sources:
            heads: dict[str, Head] = {}

            def train(cells: Sequence[TaskRun]) -> dict[str, Scores]:
                trained = [self.build_head(cell.task, seed) for cell in cells]
                scores = self._train(adaptation_methods.load(SOURCE_ONLY)(), trained, cells)
                heads.update(zip(scores, trained, strict=True))
                return scores

            cells, method = [TaskRun(task, seed) for task in self.tasks], adaptation_methods.load(SOURCE_ONLY)()
            self.sources[seed] = SourceHeads(heads, self._train_alike(cells, method, train))
        return self.sources[seed]

    def _train_alike(
        self, cells: Sequence[TaskRun], method: Method, train: Callable[[Sequence[TaskRun]], dict[str, Scores]]
    ) -> dict[str, Scores]:
        """Train all cells and return the scores by task; those with as many items and as much estimated as one."""
        alike: dict[tuple[int, str], list[TaskRun]] = {}
        for cell in cells:
            kind = len(self.items.tasks[cell.task].source), self.estimate_target(cell, method).setting
            alike.setdefault(kind, []).append(cell)
        scores: dict[str, Scores] = {}
        for some in alike.values():
            scores |= _train_or_isolate(some, train)
        return {cell.task: scores[cell.task] for cell in cells}

    def _train(self, method: Method, heads: Sequence[Head], cells: Sequence[TaskRun]) -> dict[str, Scores]:
        """Train the heads as one and return the scores by task; the target's labels are read after the training."""
        began = time.monotonic()
        networks = [
            build_adaptation_network(nn.Identity(), head, method, cell.seed)
            for head, cell in zip(heads, cells, strict=True)
        ]
        estimates = [self.estimate_target(cell, method) for cell in cells]
        pairs = [self.build_pair(cell) for cell in cells]
        if method.guarded:
            pairs = [estimate.complete(pair) for estimate, pair in zip(estimates, pairs, strict=True)]
        settings = fix_epochs(self.settings, method)
        setup = AdaptationSetup(method, self.inputs, settings, self.steps, self.device, (self.validator,))
        task, training = setup.build_training(networks, pairs)
        with limit_threads("features"):
            if method.teacher_methods():
                task.set_pseudo_labels(_distill_teachers(setup, networks, pairs, estimates))
            training.run(SILENT)
        task.networks()
        seconds = (time.monotonic() - began) / len(cells)
        by_task = {}
        for place, (cell, estimate) in enumerate(zip(cells, estimates, strict=True)):
            by_task[cell.task] = {
                **self._score(task, place, method, estimate, actual_items(self.select_target(cell.task))),
                "judged": task.validator_scores(place)[self.validator][-1],
                "assumed": estimate.setting,
                "seconds": round(seconds, 3),
            }
        return by_task

    def _score(
        self, task: AdaptationTask, run: int, method: Method, estimate: TargetEstimate, actual: IntArray | None
    ) -> Scores:
        """A run's scores on its target, whose items are `actual` (n,): HOS is that of the last epoch alone."""
        if self.items.metric == HOS:
            assert actual is not None
            scores = score_unknown(task.networks()[run], method, task.model_output(run), estimate, actual)
            return {"last": scores.hos, "os_star": scores.os_star, "recall": scores.recall, "auroc": scores.auroc}
        accuracies = score_run(task, run, actual, self.validator)
        return {
            "last": accuracies["last"],
            "selected": accuracies["selected"]["accuracy"],
            "oracle": accuracies["oracle"],
        }


def _distill_teachers(
    setup: AdaptationSetup,
    networks: Sequence[AdaptationNetwork],
    pairs: Sequence[SourceTargetData],
    estimates: Sequence[TargetEstimate],
) -> list[Tensor]:
    """For each run the pseudo-labels (n, K) of the method's teachers, or those of its estimate where that has some."""
    if all(estimate.pseudo_labels is not None for estimate in estimates):
        teachers: list[Tensor | None] = [None] * len(estimates)
    else:  # runs whose targets are taken for others are trained as one nevertheless
        teachers = list(setup.train_teachers(networks, pairs, SILENT))
    return [estimate.choose_pseudo_labels(each) for estimate, each in zip(estimates, teachers, strict=True)]


def _train_or_isolate(
    cells: Sequence[TaskRun], train: Callable[[Sequence[TaskRun]], dict[str, Scores]]
) -> dict[str, Scores]:
    """Train all cells together; where that fails, each by itself, so that only those that fail are lost."""
    try:
        return train(cells)
    except Failed as error:
        if len(cells) == 1:
            return {cells[0].task: {"failed": f"{error.what}: {error.why}"}}
    return {task: scores for cell in cells for task, scores in _train_or_isolate([cell], train).items()}
