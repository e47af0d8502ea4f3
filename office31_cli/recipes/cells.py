"""The computing half of `benchmark`: a method's runs that differ only in task or seed are trained as one."""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from office31_cli import methods as adaptation_methods
from office31_cli.data.photographs import Photographs
from office31_cli.engine.batches import Pair
from office31_cli.engine.device import choose_device, environment, threads_for
from office31_cli.engine.draws import seed_torch
from office31_cli.engine.freezing import cut
from office31_cli.engine.inputs import Inputs
from office31_cli.engine.settings import Settings
from office31_cli.methods.base import Method
from office31_cli.models.backbones import feature_width
from office31_cli.models.network import BOTTLENECK, Head
from office31_cli.observer import Observer
from office31_cli.recipes.benchmark import Cells, Plan
from office31_cli.recipes.learning import (
    actual_items,
    check_material,
    in_passes,
    labelled,
    learner_of,
    learning_together,
    nothing,
    scores,
    unlabelled,
)
from office31_cli.recipes.material import inputs_for, open_domain
from office31_cli.recipes.run import settings_for
from office31_cli.recipes.start import Start
from office31_cli.recipes.teaching import agreed
from office31_cli.recipes.unfinished import Unfinished

SOURCE_ONLY = "erm"
"""The method that learns from the source alone."""


@dataclass(frozen=True)
class Cell:
    """One cell of the table, or what one goes on from."""

    task: str
    seed: int


@dataclass(frozen=True)
class Results:
    """What was measured, and on what."""

    cells: Cells
    weights: str
    photographs: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class Sources:
    """The heads that `erm` trained with one seed, in the tasks' order, and their scores by task."""

    heads: list[Head]
    scores: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Bench:
    """What all runs share: cached features of every domain, and how to train on them."""

    plan: Plan
    photographs: dict[str, Photographs]
    inputs: Inputs
    width: int
    """Of the features."""
    settings: Settings
    device: torch.device
    sources: dict[int, Sources] = field(default_factory=dict)
    """By seed what `erm` made of the tasks, once that is needed."""

    def head(self, seed: int) -> Head:
        """A fresh head."""
        seed_torch("initial weights", seed)
        return Head(self.width, BOTTLENECK, len(self.plan.request.data.items))

    def pair(self, cell: Cell) -> Pair:
        """A cell's source with all of its labels, and its target without any."""
        source, target = self.plan.tasks[cell.task]
        places = list(self.photographs)
        learnt = labelled(self.photographs[source], places.index(source))
        return Pair(learnt, unlabelled(self.photographs[target], places.index(target)), nothing(), cell.seed)


def computed(plan: Plan, observer: Observer) -> Results:
    """The whole table; an interrupted one goes on with the first method and seed that is not there."""
    began = time.monotonic()
    bench, weights = _laid_out(plan, observer)
    for task, (source, target) in plan.tasks.items():
        check_material(bench.pair(Cell(task, plan.seeds[0])), [source], target)
    unfinished, cells = Unfinished(observer), Cells()
    with observer.track("benchmark", len(plan.methods) * len(plan.seeds) * len(plan.tasks)) as advance:
        for name, method in plan.methods.items():
            for seed in plan.seeds:
                identity = _identity(bench, weights, name, method, seed)
                found = unfinished.result(identity, partial(_trained, bench, name, method, seed, observer))
                cells |= {(name, task, seed): found[task] for task in plan.tasks}
                advance(len(plan.tasks))
    unfinished.clear()
    counts = {domain: len(photographs) for domain, photographs in bench.photographs.items()}
    return Results(cells, weights, counts, round(time.monotonic() - began, 3))


def _laid_out(plan: Plan, observer: Observer) -> tuple[Bench, str]:
    request = plan.request
    device = choose_device(request.options.device)
    start = Start.of(request, observer)
    network = start.network(request.outputs)
    domains = [
        open_domain(request.data, name, start.preprocessing, skip_bad=request.options.skip_bad, observer=observer)
        for name in request.domains
    ]
    inputs = inputs_for(cut(network, "head"), domains, start.preprocessing, device, observer, views=plan.views)
    photographs = {domain.photographs.domain: domain.photographs for domain in domains}
    width = feature_width(network.backbones[0], start.preprocessing.crop)
    return Bench(plan, photographs, inputs, width, settings_for(request, "head"), device), start.weights


def _trained(bench: Bench, name: str, method: Method, seed: int, observer: Observer) -> dict[str, Any]:
    """Every task by one method with one seed."""
    if name == SOURCE_ONLY:
        return _source_only(bench, seed, observer).scores
    cells = [Cell(task, seed) for task in bench.plan.tasks]
    if method.source_free:  # from copies, as others start from the same heads
        heads = copy.deepcopy(_source_only(bench, seed, observer).heads)
    else:
        heads = [bench.head(seed) for _ in cells]
    groups = [[place] for place in range(len(cells))] if method.passes else [list(range(len(cells)))]
    return {
        task: found
        for group in groups
        for task, found in _train(
            bench, method, [heads[place] for place in group], [cells[place] for place in group], observer
        ).items()
    }


def _source_only(bench: Bench, seed: int, observer: Observer) -> Sources:
    """What `erm` makes of every task with one seed: its row, and where source-free methods start."""
    if seed not in bench.sources:
        cells = [Cell(task, seed) for task in bench.plan.tasks]
        heads = [bench.head(seed) for _ in cells]
        found = _train(bench, adaptation_methods.load(SOURCE_ONLY)(), heads, cells, observer)
        bench.sources[seed] = Sources(heads, found)
    return bench.sources[seed]


def _identity(bench: Bench, weights: str, name: str, method: Method, seed: int) -> dict[str, Any]:
    """What decides the result of a method's runs with one seed."""
    plan = bench.plan
    return {
        "benchmark": name,
        "settings": method.settings(),
        "seed": seed,
        "tasks": plan.tasks,
        "steps": plan.steps,
        "views": plan.views,
        "validator": plan.validator,
        "training": bench.settings.to_json() | {"seed": seed},
        "start": [plan.request.backbone, weights],
        "photographs": {domain: photographs.content for domain, photographs in bench.photographs.items()},
        "environment": environment(bench.device),
    }


def _train(
    bench: Bench, method: Method, heads: Sequence[Head], cells: Sequence[Cell], observer: Observer
) -> dict[str, Any]:
    """Train the heads as one; by task the scores, which the target's labels are read for only now."""
    began = time.monotonic()
    learners = [learner_of(nn.Identity(), head, method, cell.seed) for head, cell in zip(heads, cells, strict=True)]
    pairs = [bench.pair(cell) for cell in cells]
    settings, steps = in_passes(bench.settings, method), bench.plan.steps
    adaptation, training = learning_together(learners, pairs, method, bench.inputs, settings, steps, bench.device)
    with threads_for("stacked" if len(cells) > 1 else "features"):
        if method.taught_by():
            taught = agreed(method, learners, pairs, bench.inputs, settings, steps, bench.device, observer)
            adaptation.hold(taught)
        training.run(observer)
    adaptation.learners()
    seconds = (time.monotonic() - began) / len(cells)
    found = {}
    for place, cell in enumerate(cells):
        target = bench.photographs[bench.plan.tasks[cell.task][1]]
        told = scores(adaptation, place, actual_items(target), bench.plan.validator)
        found[cell.task] = {
            "last": told["last"],
            "selected": told["selected"]["accuracy"],
            "oracle": told["oracle"],
            "seconds": round(seconds, 3),
        }
    return found
