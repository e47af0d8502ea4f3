"""What `benchmark` computes: for each method and seed one run per task, and these are trained together."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from office31_cli import methods as adaptation_methods
from office31_cli.data.photographs import IntArray, Photographs
from office31_cli.data.splits import choose_held_out
from office31_cli.engine.adaptation import AdaptationTask
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
        return self._train_alike(seed, partial(self._train_tasks, name))

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
        known, validation = self.select_source(cell.task), no_examples()
        if self.held_out:
            held_out = choose_held_out(known.items, known.digests, fraction=self.held_out, seed=cell.seed)
            validation = build_labelled_examples(known.subset(held_out), places.index(source))
            known = known.subset(~held_out)
        unlabelled = build_unlabelled_examples(self.select_target(cell.task), places.index(target))
        return SourceTargetData(build_labelled_examples(known, places.index(source)), unlabelled, validation, cell.seed)

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

            self.sources[seed] = SourceHeads(heads, self._train_alike(seed, train))
        return self.sources[seed]

    def _train_alike(self, seed: int, train: Callable[[Sequence[TaskRun]], dict[str, Scores]]) -> dict[str, Scores]:
        """Train every task with one seed and return the scores by task; tasks with as many items are trained as one."""
        alike: dict[int, list[TaskRun]] = {}
        for task in self.tasks:
            alike.setdefault(len(self.items.tasks[task].source), []).append(TaskRun(task, seed))
        scores: dict[str, Scores] = {}
        for cells in alike.values():
            scores |= _train_or_isolate(cells, train)
        return {task: scores[task] for task in self.tasks}

    def _train(self, method: Method, heads: Sequence[Head], cells: Sequence[TaskRun]) -> dict[str, Scores]:
        """Train the heads as one and return the scores by task; the target's labels are read after the training."""
        began = time.monotonic()
        networks = [
            build_adaptation_network(nn.Identity(), head, method, cell.seed)
            for head, cell in zip(heads, cells, strict=True)
        ]
        pairs = [self.build_pair(cell) for cell in cells]
        settings = fix_epochs(self.settings, method)
        setup = AdaptationSetup(method, self.inputs, settings, self.steps, self.device, (self.validator,))
        task, training = setup.build_training(networks, pairs)
        with limit_threads("features"):
            if method.teacher_methods():
                task.set_pseudo_labels(setup.train_teachers(networks, pairs, SILENT))
            training.run(SILENT)
        task.networks()
        seconds = (time.monotonic() - began) / len(cells)
        by_task = {}
        for place, cell in enumerate(cells):
            by_task[cell.task] = {
                **self._score(task, place, method, pairs[place], actual_items(self.select_target(cell.task))),
                "judged": task.validator_scores(place)[self.validator][-1],
                "seconds": round(seconds, 3),
            }
        return by_task

    def _score(
        self, task: AdaptationTask, run: int, method: Method, pair: SourceTargetData, actual: IntArray | None
    ) -> Scores:
        """A run's scores on its target, whose items are `actual` (n,): HOS is that of the last epoch alone."""
        if self.items.metric == HOS:
            assert actual is not None
            scores = score_unknown(task.networks()[run], method, self.inputs.evaluation_views(pair.target), actual)
            return {"last": scores.hos, "os_star": scores.os_star, "recall": scores.recall, "auroc": scores.auroc}
        accuracies = score_run(task, run, actual, self.validator)
        return {
            "last": accuracies["last"],
            "selected": accuracies["selected"]["accuracy"],
            "oracle": accuracies["oracle"],
        }


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
