"""The computing half of `benchmark`: what all runs share is laid out, then jobs are handed to those who do them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from office31_cli.data.photographs import Photographs
from office31_cli.engine.device import choose_device, describe_environment, limit_threads
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.inputs import FrozenInputs
from office31_cli.observer import Observer
from office31_cli.processes import cores
from office31_cli.recipes.benchmark.cells import Bench, Cell, Figures, Job
from office31_cli.recipes.benchmark.plan import BenchmarkPlan
from office31_cli.recipes.benchmark.results import Cells
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
    """What was measured, and on what."""

    cells: Cells
    weights: str
    photographs: dict[str, int]
    seconds: float


def run_plan(plan: BenchmarkPlan, observer: Observer) -> Results:
    """The whole table; an interrupted one goes on with the methods and seeds that are not there."""
    began = time.monotonic()
    bench, weights = prepare_features(plan, observer)
    unfinished = PartialResults(observer)
    cells = compute_cells(bench, plan, weights, unfinished, observer)
    if not any("failed" in figures for figures in cells.values()):
        unfinished.clear()
    counts = {domain: len(photographs) for domain, photographs in bench.photographs.items()}
    return Results(cells, weights, counts, round(time.monotonic() - began, 3))


def compute_cells(
    bench: Bench, plan: BenchmarkPlan, weights: str, unfinished: PartialResults, observer: Observer
) -> Cells:
    """Every method on every task with every seed: what is there from an interrupted run, and the rest computed."""
    cells, identities = Cells(), identify_cells(bench, plan, weights)
    total = len(identities) * len(plan.tasks)
    waiting = []
    for (name, seed), identity in identities.items():
        if (earlier := unfinished.find(identity)) is None:
            waiting.append((name, seed))
        else:
            cells |= {(name, task, seed): figures for task, figures in earlier.items()}
    if cells:
        observer.say(f"going on: {len(cells):,} of {total:,} cells are there already")
    with observer.track("benchmark", total, len(cells)) as advance:
        for (name, seed), found in _run_jobs(bench, build_jobs(bench, waiting), plan):
            whole = not any("failed" in figures for figures in found.values())
            kept = unfinished.keep(identities[name, seed], found) if whole else found
            cells |= {(name, task, seed): figures for task, figures in kept.items()}
            advance(len(plan.tasks))
    return cells


def prepare_features(plan: BenchmarkPlan, observer: Observer) -> tuple[Bench, str]:
    """What all runs share, features computed where they are not there yet; and the weights by their resolved name."""
    request = plan.request
    device = choose_device(request.options.device)
    start = StartingWeights.load(request, observer)
    network = start.build_network(request.outputs)
    domains = open_domains(request, request.domains, start.preprocessing, observer)
    split = split_network(network, "head")
    assert split.frozen_part is not None
    features = compute_frozen_views(split.frozen_part, domains, start.preprocessing, device, observer, views=plan.views)
    orders = [domain.photographs.rows[order_by_content(domain.photographs)] for domain in domains]
    with limit_threads("features"):  # so that the directions do not depend on the number of threads
        condensed = FrozenInputs.with_projection(features, orders, device)
    bench = build_bench(plan, {domain.photographs.domain: domain.photographs for domain in domains}, condensed, device)
    for task, (source, target) in plan.tasks.items():
        check_enough_examples(bench.build_pair(Cell(task, plan.seeds[0])), [source], target)
    return bench, start.weights_name


def build_bench(
    plan: BenchmarkPlan, photographs: dict[str, Photographs], inputs: FrozenInputs, device: torch.device
) -> Bench:
    """What the plan's runs share; `photographs` are those of its domains, in the order of the inputs' arrays."""
    request = plan.request
    return Bench(
        tasks=plan.tasks,
        methods=plan.methods,
        steps=plan.steps,
        validator=plan.validator,
        items=len(request.data.items),
        photographs=photographs,
        inputs=inputs,
        settings=build_settings(request, "head"),
        device=device,
        held_out=request.options.held_out,
    )


def build_jobs(bench: Bench, waiting: Sequence[tuple[str, int]]) -> list[Job]:
    """What can be computed apart: with a seed, methods that go on from `erm` belong to it."""
    jobs: dict[tuple[int, str], list[str]] = {}
    for name, seed in waiting:
        shared = SOURCE_ONLY if bench.methods[name].source_free else name
        jobs.setdefault((seed, shared), []).append(name)
    return [Job(seed, tuple(names)) for (seed, _), names in jobs.items()]


def _run_jobs(
    bench: Bench, jobs: Sequence[Job], plan: BenchmarkPlan
) -> Iterator[tuple[tuple[str, int], dict[str, Figures]]]:
    """By method and seed what came of each job, as it ends."""
    for job, found in _dispatch_jobs(bench, jobs, plan):
        for name in job.methods:
            figures = (
                {task: {"failed": found.why} for task in bench.tasks} if isinstance(found, JobFailure) else found[name]
            )
            yield (name, job.seed), figures


def _dispatch_jobs(
    bench: Bench, jobs: Sequence[Job], plan: BenchmarkPlan
) -> Iterator[tuple[Job, dict[str, dict[str, Figures]] | JobFailure]]:
    count = count_processes(plan, bench.device)
    if plan.on == "ray":
        yield from run_on_ray(bench, jobs, gpus=int(bench.device.type == "cuda"))
    elif count > 1 and len(jobs) > 1:
        yield from run_in_processes(bench, jobs, count=count, threads=1)
    else:  # here a method is a job by itself, so that less is lost
        for small in (Job(job.seed, (name,)) for job in jobs for name in job.methods):
            yield small, run_job(bench, small)


def count_processes(plan: BenchmarkPlan, device: torch.device) -> int:
    """As many as asked for, else one a core; an accelerator is kept busy by one."""
    return plan.jobs or (cores() if device.type == "cpu" else 1)


def identify_cells(bench: Bench, plan: BenchmarkPlan, weights: str) -> dict[tuple[str, int], dict[str, Any]]:
    """By method and seed what decides the result."""
    return {(name, seed): _identify(bench, plan, weights, name, seed) for name in plan.methods for seed in plan.seeds}


def _identify(bench: Bench, plan: BenchmarkPlan, weights: str, name: str, seed: int) -> dict[str, Any]:
    """What decides the result of a method's runs with one seed."""
    return {
        "benchmark": [name, _FORMAT],
        "settings": plan.methods[name].settings(),
        "seed": seed,
        "tasks": plan.tasks,
        "steps": plan.steps,
        "views": plan.views,
        "validator": plan.validator,
        "held_out": bench.held_out,
        "training": bench.settings.to_json() | {"seed": seed},
        "start": [plan.request.backbone, weights],
        "photographs": {domain: photographs.content for domain, photographs in bench.photographs.items()},
        # Whatever the number of processes, a job has one thread.
        "environment": describe_environment(bench.device, plan.request.backbone) | {"threads": 1},
    }
