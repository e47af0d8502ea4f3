"""`office31 benchmark --dry-run`: estimate how long a plan takes here, from a few steps of each method."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from heapq import heapreplace
from itertools import chain

import torch
from torch import Tensor

from office31_cli import methods
from office31_cli.engine.device import choose_device
from office31_cli.engine.inputs import Examples, FrozenInputs, RandomNumbers
from office31_cli.models.backbones import feature_width
from office31_cli.observer import Observer
from office31_cli.processes import cores
from office31_cli.recipes.benchmark.cells import BenchmarkSetup, Job
from office31_cli.recipes.benchmark.plan import BenchmarkPlan
from office31_cli.recipes.benchmark.results import BenchmarkEstimate, EstimateRow
from office31_cli.recipes.benchmark.run import build_jobs, build_setup, count_processes, identify_method_runs
from office31_cli.workflow.partial_results import PartialResults
from office31_cli.workflow.pools import ray
from office31_cli.workflow.request import SOURCE_ONLY
from office31_cli.workflow.starting_weights import StartingWeights
from office31_cli.workflow.timing import FEW, extrapolate_seconds, measure_photographs_per_second

_WIDTH = 512
"""About how many principal directions features have, if they are wider than that."""


class _Noise(FrozenInputs):
    """Random numbers in place of features, which may have to be computed first: a step on them takes as long."""

    def __init__(self, width: int, device: torch.device) -> None:
        self._noise, self._directions = torch.randn(4096, width, device=device), None

    @property
    def width(self) -> int:
        return self._noise.shape[1]

    def training_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        return self.evaluation_views(examples)

    def strong_views(self, examples: Examples, draws: RandomNumbers) -> Tensor:
        return self.evaluation_views(examples)

    def evaluation_views(self, examples: Examples) -> Tensor:
        return self._noise[torch.from_numpy(examples.rows % len(self._noise)).to(self._noise.device)]


def estimate_plan(plan: BenchmarkPlan, observer: Observer) -> BenchmarkEstimate:
    """Estimate how long a plan takes: each method that has cells left is trained for a few steps on noise.

    The speed of the frozen part is measured on a few images. No cell is computed.
    """
    device, request = choose_device(plan.request.options.device), plan.request
    room = ray.count_job_slots(gpus=int(device.type == "cuda")) if plan.on == "ray" else None
    places = min(count_processes(plan, device), cores()) if room is None else room
    start = StartingWeights.load(request, observer)
    network = start.build_network(request.outputs)
    photographs = {name: request.data.photographs(name) for name in request.domains}
    noise = _Noise(min(_WIDTH, feature_width(network.backbones[0], start.preprocessing.crop)), device)
    setup = build_setup(plan, photographs, noise, device)
    setup = replace(
        setup, methods=plan.methods | {SOURCE_ONLY: methods.load(SOURCE_ONLY)()}
    )  # others start from its networks
    identities, unfinished = identify_method_runs(setup, plan, start.weights_name), PartialResults(observer)
    waiting = [key for key, identity in identities.items() if unfinished.find(identity) is None]
    rows, jobs = _time_methods(setup, build_jobs(setup, waiting), observer)
    by_method = {row.method: round(row.seeds * row.seconds, 1) for row in rows}
    return BenchmarkEstimate(
        tasks={name: list(pair) for name, pair in plan.tasks.items()},
        seeds=list(plan.seeds),
        cells=len(identities) * len(plan.tasks),
        there=(len(identities) - len(waiting)) * len(plan.tasks),
        jobs=max(1, min(places, len(jobs))),
        on=plan.on,
        cluster=room is not None,
        rows=rows,
        methods={name: by_method.get(name, 0.0) for name in plan.methods},
        seconds=round(_find_end(jobs, places), 1),
        views=plan.views * sum(map(len, photographs.values())),
        photographs_per_second=round(measure_photographs_per_second(network, start.preprocessing.crop, device), 1),
    )


def _time_methods(
    setup: BenchmarkSetup, jobs: Sequence[Job], observer: Observer
) -> tuple[list[EstimateRow], list[float]]:
    """A row for each method that the jobs train, and the seconds of each job."""
    trained = [setup.list_trained(job) for job in jobs]
    seeds = Counter(chain.from_iterable(trained))
    seconds = dict[str, float]()
    with observer.track("timing", len(seeds)) as advance:
        for name in seeds:
            seconds[name] = _time_seed(setup, name)
            advance(1)
    rows = [EstimateRow(name, count, round(seconds[name], 2)) for name, count in seeds.items()]
    return rows, [sum(map(seconds.__getitem__, names)) for names in trained]


def _time_seed(setup: BenchmarkSetup, name: str) -> float:
    """Seconds of a method with one seed, extrapolated from two short runs to all steps of all epochs."""
    short = replace(setup, settings=replace(setup.settings, epochs=1))
    _time_run(short, name, FEW)  # the first run also allocates memory and starts threads
    if setup.methods[name].passes is not None:
        return _time_run(short, name, FEW)
    return extrapolate_seconds(lambda steps: _time_run(short, name, steps), setup.settings.epochs, setup.steps)


def _time_run(setup: BenchmarkSetup, name: str, steps: int) -> float:
    """Seconds of a method with one seed and so many steps, without those of `erm` that it starts from."""
    afresh = replace(setup, steps=steps, sources={})
    if afresh.methods[name].source_free:
        afresh.compute(SOURCE_ONLY, 0)
    began = time.perf_counter()
    afresh.compute(name, 0)
    return time.perf_counter() - began


def _find_end(jobs: Sequence[float], places: int) -> float:
    """Seconds until the last job is done, if each is given to the process that is free first."""
    ends = [0.0] * places
    for seconds in jobs:
        heapreplace(ends, ends[0] + seconds)
    return max(ends)
