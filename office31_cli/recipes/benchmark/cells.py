"""What `benchmark` computes: a method's runs with one seed, a run a task, trained as one."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from office31_cli import methods as adaptation_methods
from office31_cli.data.photographs import Photographs
from office31_cli.data.splits import choose_held_out
from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.device import limit_threads
from office31_cli.engine.inputs import FrozenInputs
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.errors import Failed
from office31_cli.methods.base import Method
from office31_cli.models.network import BOTTLENECK, Head
from office31_cli.observer import SILENT
from office31_cli.workflow.adapt_training import (
    actual_items,
    build_joint_training,
    build_labelled_examples,
    build_learner,
    build_unlabelled_examples,
    no_examples,
    score_run,
    set_passes,
    train_teachers,
)
from office31_cli.workflow.request import SOURCE_ONLY

Figures = dict[str, Any]
"""A cell's three scores, what the validator says of the last epoch, and its seconds; or why it has `failed`."""


@dataclass(frozen=True)
class Cell:
    """One cell of the table, or what one goes on from."""

    task: str
    seed: int


@dataclass(frozen=True)
class Job:
    """Methods that one process computes one after the other with one seed, as they go on from the same networks."""

    seed: int
    methods: tuple[str, ...]


@dataclass(frozen=True)
class SourceHeads:
    """By task the heads that `erm` trained with one seed, as far as that went well, and their figures."""

    heads: dict[str, Head]
    figures: dict[str, Figures]


@dataclass(frozen=True, eq=False)
class Bench:
    """What all runs share: the tasks, cached features of every domain, and how to train on them.

    It holds all that a job needs, so that one in another process, or on another machine, needs nothing else.
    """

    tasks: dict[str, tuple[str, str]]
    """Source and target by the task's name."""
    methods: dict[str, Method]
    steps: int
    validator: str
    items: int
    photographs: dict[str, Photographs]
    inputs: FrozenInputs
    settings: Settings
    device: torch.device
    held_out: float = 0.0
    """The share of the source's labels that is kept back, for a validator that needs some."""
    sources: dict[int, SourceHeads] = field(default_factory=dict)
    """By seed what `erm` made of the tasks, once that is needed."""

    def __call__(self, job: Job) -> dict[str, dict[str, Figures]]:
        """By method and task what came of a job; a cell that fails leaves the others alone."""
        return {name: self.compute(name, job.seed) for name in job.methods}

    def list_trained(self, job: Job) -> tuple[str, ...]:
        """The methods that a job trains, `erm` first where one of them goes on from its networks."""
        goes_on = any(self.methods[name].source_free for name in job.methods)
        others = tuple(name for name in job.methods if name != SOURCE_ONLY)
        return (SOURCE_ONLY, *others) if goes_on or SOURCE_ONLY in job.methods else others

    def compute(self, name: str, seed: int) -> dict[str, Figures]:
        """Every task by one method with one seed."""
        if name == SOURCE_ONLY:
            return self._train_source_only(seed).figures
        return _train_or_isolate([Cell(task, seed) for task in self.tasks], partial(self._train_tasks, name))

    def build_head(self, seed: int) -> Head:
        """A fresh head."""
        seed_torch("initial weights", seed)
        directions = self.inputs.directions
        whole = Head(self.inputs.width if directions is None else len(directions), BOTTLENECK, self.items)
        return whole if directions is None else whole.project_onto(directions)

    def build_pair(self, cell: Cell) -> SourceTargetData:
        """A cell's source with its labels, and its target without any."""
        source, target = self.tasks[cell.task]
        places = list(self.photographs)
        known, validation = self.photographs[source], no_examples()
        if self.held_out:
            kept = choose_held_out(known.items, known.digests, fraction=self.held_out, seed=cell.seed)
            known, validation = known.subset(~kept), build_labelled_examples(known.subset(kept), places.index(source))
        rest = build_unlabelled_examples(self.photographs[target], places.index(target))
        return SourceTargetData(build_labelled_examples(known, places.index(source)), rest, validation, cell.seed)

    def _train_tasks(self, name: str, cells: Sequence[Cell]) -> dict[str, Figures]:
        method, seed = self.methods[name], cells[0].seed
        if method.source_free:  # from copies, as others start from the same heads
            before = self._train_source_only(seed)
            for cell in cells:
                if cell.task not in before.heads:
                    raise Failed(SOURCE_ONLY, before.figures[cell.task]["failed"], "try a smaller --lr")
            heads = [copy.deepcopy(before.heads[cell.task]) for cell in cells]
        else:
            heads = [self.build_head(seed) for _ in cells]
        size = 1 if method.passes else len(cells)
        found: dict[str, Figures] = {}
        for first in range(0, len(cells), size):
            found |= self._train(method, heads[first : first + size], cells[first : first + size])
        return found

    def _train_source_only(self, seed: int) -> SourceHeads:
        """What `erm` makes of every task with one seed: its row, and where source-free methods start."""
        if seed not in self.sources:
            heads: dict[str, Head] = {}

            def train(cells: Sequence[Cell]) -> dict[str, Figures]:
                fresh = [self.build_head(seed) for _ in cells]
                found = self._train(adaptation_methods.load(SOURCE_ONLY)(), fresh, cells)
                heads.update(zip(found, fresh, strict=True))
                return found

            figures = _train_or_isolate([Cell(task, seed) for task in self.tasks], train)
            self.sources[seed] = SourceHeads(heads, figures)
        return self.sources[seed]

    def _train(self, method: Method, heads: Sequence[Head], cells: Sequence[Cell]) -> dict[str, Figures]:
        """Train the heads as one; by task the scores, which the target's labels are read for only now."""
        began = time.monotonic()
        learners = [
            build_learner(nn.Identity(), head, method, cell.seed) for head, cell in zip(heads, cells, strict=True)
        ]
        pairs = [self.build_pair(cell) for cell in cells]
        settings = set_passes(self.settings, method)
        adaptation, training = build_joint_training(
            learners, pairs, method, self.inputs, settings, self.steps, self.device, (self.validator,)
        )
        with limit_threads("features"):
            if method.teacher_methods():
                taught = train_teachers(method, learners, pairs, self.inputs, settings, self.steps, self.device, SILENT)
                adaptation.set_pseudo_labels(taught)
            training.run(SILENT)
        adaptation.networks()
        seconds = (time.monotonic() - began) / len(cells)
        found = {}
        for place, cell in enumerate(cells):
            target = self.photographs[self.tasks[cell.task][1]]
            told = score_run(adaptation, place, actual_items(target), self.validator)
            found[cell.task] = {
                "last": told["last"],
                "selected": told["selected"]["accuracy"],
                "oracle": told["oracle"],
                "judged": adaptation.validator_scores(place)[self.validator][-1],
                "seconds": round(seconds, 3),
            }
        return found


def _train_or_isolate(
    cells: Sequence[Cell], train: Callable[[Sequence[Cell]], dict[str, Figures]]
) -> dict[str, Figures]:
    """All cells together; where that fails each by itself, which shows which of them it was."""
    try:
        return train(cells)
    except Failed as error:
        if len(cells) == 1:
            return {cells[0].task: _describe_failure(error)}
    return {task: figures for cell in cells for task, figures in _train_or_isolate([cell], train).items()}


def _describe_failure(error: Failed) -> Figures:
    return {"failed": f"{error.what}: {error.why}"}
