"""Compute a benchmark's table: features first, then jobs in this process, in several, or on a Ray cluster."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from office31_cli.data.photographs import Photographs
from office31_cli.engine.device import choose_device, describe_environment, limit_threads
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.inputs import FrozenInputs
from office31_cli.observer import Observer
from office31_cli.processes import cores
from office31_cli.recipes.benchmark.cells import BenchmarkSetup, Job, Scores, TaskRun
from office31_cli.recipes.benchmark.item_split import keep_items
from office31_cli.recipes.benchmark.plan import BenchmarkPlan
from office31_cli.recipes.benchmark.results import Cells, TaskItemCounts
from office31_cli.workflow.adapt_training import check_enough_examples, order_by_content
from office31_cli.workflow.domains import compute_frozen_views, open_domains
from office31_cli.workflow.partial_results import PartialResults
from office31_cli.workflow.pools.local import JobFailure, run_in_processes, run_job
from office31_cli.workflow.pools.ray import run_on_ray
from office31_cli.workflow.request import SOURCE_ONLY
from office31_cli.workflow.run import build_settings
from office31_cli.workflow.starting_weights import StartingWeights

_FORMAT = 2
"""Raised when cells are computed in another way, so that those of an older program are not mixed in."""


@dataclass(frozen=True)
class Results:
    """The scores of all cells, and what they were measured on."""

    cells: Cells
    weights: str
    photographs: dict[str, int]
    """By domain."""
    item_sets: dict[str, TaskItemCounts]
    """By task."""
    seconds: float


def run_plan(plan: BenchmarkPlan, observer: Observer) -> Results:
    """Compute the whole table; methods and seeds that an interrupted run has left are not computed again."""
    began = time.monotonic()
    setup, weights = prepare_features(plan, observer)
    unfinished = PartialResults(observer)
    cells = compute_cells(setup, plan, weights, unfinished, observer)
    if not any("failed" in scores for scores in cells.values()):
        unfinished.clear()
    counts = {domain: len(photographs) for domain, photographs in setup.photographs.items()}
    item_sets = {task: setup.count_items(task) for task in plan.tasks}
    return Results(cells, weights, counts, item_sets, round(time.monotonic() - began, 3))


def compute_cells(
    setup: BenchmarkSetup, plan: BenchmarkPlan, weights: str, unfinished: PartialResults, observer: Observer
) -> Cells:
    """The scores of every method on every task with every seed; those of an interrupted run are read."""
    cells, identities = Cells(), identify_method_runs(setup, plan, weights)
    total = len(identities) * len(plan.tasks)
    waiting = []
    for (name, seed), identity in identities.items():
        if (earlier := unfinished.find(identity)) is None:
            waiting.append((name, seed))
        else:
            cells |= {(name, task, seed): scores for task, scores in earlier.items()}
    if cells:
        observer.say(f"going on: {len(cells):,} of {total:,} cells are there already")
    with observer.track("benchmark", total, len(cells)) as advance:
        for (name, seed), by_task in _run_jobs(setup, build_jobs(setup, waiting), plan):
            whole = not any("failed" in scores for scores in by_task.values())
            kept = unfinished.keep(identities[name, seed], by_task) if whole else by_task
            cells |= {(name, task, seed): scores for task, scores in kept.items()}
            advance(len(plan.tasks))
    return cells


def prepare_features(plan: BenchmarkPlan, observer: Observer) -> tuple[BenchmarkSetup, str]:
    """Compute the features that are not cached; returns what all runs share, and the weights' resolved name."""
    request = plan.request
    device = choose_device(request.options.device)
    start = StartingWeights.load(request, observer)
    network = start.build_network(request.outputs)
    domains = open_domains(request, request.domains, start.preprocessing, observer)
    split = split_network(network, "head")
    assert split.frozen_part is not None
    features = compute_frozen_views(split.frozen_part, domains, start.preprocessing, device, observer, views=plan.views)
    photographs = {domain.photographs.domain: domain.photographs for domain in domains}
    used = [select_used(plan, each) for each in photographs.values()]
    orders = [each.rows[order_by_content(each)] for each in used]
    with limit_threads("features"):  # so that the directions do not depend on the number of threads
        inputs = FrozenInputs.with_projection(features, orders, device)
    setup = build_setup(plan, photographs, inputs, device)
    for task, (source, target) in plan.tasks.items():
        check_enough_examples(setup.build_pair(TaskRun(task, plan.seeds[0])), [source], target)
    return setup, start.weights_name


def build_setup(
    plan: BenchmarkPlan, photographs: dict[str, Photographs], inputs: FrozenInputs, device: torch.device
) -> BenchmarkSetup:
    """What the plan's runs share; `photographs` are those of its domains, in the order of the arrays of `inputs`."""
    request = plan.request
    return BenchmarkSetup(
        tasks=plan.tasks,
        methods=plan.methods,
        steps=plan.steps,
        validator=plan.validator,
        names=request.data.items,
        items=plan.items,
        photographs=photographs,
        inputs=inputs,
        settings=build_settings(request, "head"),
        device=device,
        held_out=request.held_out,
    )


def select_used(plan: BenchmarkPlan, photographs: Photographs) -> Photographs:
    """A domain's photographs without those that are in no task's source or target."""
    names, domain = plan.request.data.items, photographs.domain
    used = np.zeros(len(photographs), dtype=np.bool_)
    for task, pair in plan.tasks.items():
        items = plan.items.tasks[task]
        for place, kept in zip(pair, (items.source, items.target), strict=True):
            if place == domain:
                used |= np.isin(photographs.rows, keep_items(photographs, names, kept, kept).rows)
    return photographs.subset(used)


def build_jobs(setup: BenchmarkSetup, waiting: Sequence[tuple[str, int]]) -> list[Job]:
    """Group methods and seeds into jobs that can run apart: methods that start from `erm` run in the job of `erm`."""
    jobs: dict[tuple[int, str], list[str]] = {}
    for name, seed in waiting:
        shared = SOURCE_ONLY if setup.methods[name].source_free else name
        jobs.setdefault((seed, shared), []).append(name)
    return [Job(seed, tuple(names)) for (seed, _), names in jobs.items()]


def _run_jobs(
    setup: BenchmarkSetup, jobs: Sequence[Job], plan: BenchmarkPlan
) -> Iterator[tuple[tuple[str, int], dict[str, Scores]]]:
    """By method and seed the scores by task, as the jobs end."""
    for job, outcome in _dispatch_jobs(setup, jobs, plan):
        for name in job.methods:
            if isinstance(outcome, JobFailure):
                yield (name, job.seed), {task: {"failed": outcome.why} for task in setup.tasks}
            else:
                yield (name, job.seed), outcome[name]


def _dispatch_jobs(
    setup: BenchmarkSetup, jobs: Sequence[Job], plan: BenchmarkPlan
) -> Iterator[tuple[Job, dict[str, dict[str, Scores]] | JobFailure]]:
    """Each job with its scores by method and task, wherever it runs, as it ends."""
    count = count_processes(plan, setup.device)
    if plan.on == "ray":
        yield from run_on_ray(setup, jobs, gpus=int(setup.device.type == "cuda"))
    elif count > 1 and len(jobs) > 1:
        yield from run_in_processes(setup, jobs, count=count, threads=1)
    else:  # here a method is a job by itself, so that less is lost
        for small in (Job(job.seed, (name,)) for job in jobs for name in job.methods):
            yield small, run_job(setup, small)


def count_processes(plan: BenchmarkPlan, device: torch.device) -> int:
    """How many processes to use: as many as asked for, else one a core; one is enough for an accelerator."""
    return plan.jobs or (cores() if device.type == "cpu" else 1)


def identify_method_runs(
    setup: BenchmarkSetup, plan: BenchmarkPlan, weights: str
) -> dict[tuple[str, int], dict[str, Any]]:
    """By method and seed what decides the scores, as the key of partial results."""
    return {(name, seed): _identify(setup, plan, weights, name, seed) for name in plan.methods for seed in plan.seeds}


def _identify(setup: BenchmarkSetup, plan: BenchmarkPlan, weights: str, name: str, seed: int) -> dict[str, Any]:
    return {
        "benchmark": [name, _FORMAT],
        "settings": plan.methods[name].settings(),
        "seed": seed,
        "tasks": plan.tasks,
        "steps": plan.steps,
        "views": plan.views,
        "validator": plan.validator,
        "held_out": setup.held_out,
        "training": setup.settings.to_json() | {"seed": seed},
        "start": [plan.request.backbone, weights],
        "photographs": {domain: photographs.content for domain, photographs in setup.photographs.items()},
        **plan.items.identity(plan.request.data.items),
        # Whatever the number of processes, a job has one thread.
        "environment": describe_environment(setup.device, plan.request.backbone) | {"threads": 1},
    }
