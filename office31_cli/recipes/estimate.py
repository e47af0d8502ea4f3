"""The computing half of `benchmark --dry-run`: how long a plan takes here, from a few steps of each method."""

import time
from dataclasses import replace

import torch
from torch import Tensor

from office31_cli.engine.device import choose_device, fast_arithmetic
from office31_cli.engine.freezing import cut
from office31_cli.engine.inputs import Draws, Examples, FrozenInputs
from office31_cli.models.backbones import feature_width
from office31_cli.models.network import Network
from office31_cli.observer import Observer
from office31_cli.recipes.benchmark import Plan, cores
from office31_cli.recipes.benchmarked import Estimated
from office31_cli.recipes.benchmarking import identities_of, processes_for
from office31_cli.recipes.cells import SOURCE_ONLY, Bench
from office31_cli.recipes.run import settings_for
from office31_cli.recipes.start import Start
from office31_cli.recipes.unfinished import Unfinished

_FEW, _MORE = 4, 24
"""Steps of the two short trainings, whose difference is what a step takes."""

_WIDTH = 512
"""About how many principal directions wide features have."""

_IMAGES = 16
"""Photographs in two passes through the frozen part, of which the second one is timed."""


class _Noise(FrozenInputs):
    """Random features in the place of those that may have to be computed first: a step on them takes as long."""

    def __init__(self, width: int, device: torch.device) -> None:
        self._noise, self._directions = torch.randn(4096, width, device=device), None

    @property
    def width(self) -> int:
        return self._noise.shape[1]

    def training(self, examples: Examples, draws: Draws) -> Tensor:
        return self.evaluation(examples)

    def strong(self, examples: Examples, draws: Draws) -> Tensor:
        return self.evaluation(examples)

    def evaluation(self, examples: Examples) -> Tensor:
        return self._noise[torch.from_numpy(examples.rows % len(self._noise)).to(self._noise.device)]


def estimated(plan: Plan, observer: Observer) -> Estimated:
    """Train every method for a few steps on noise, and pass some noise through the frozen part; compute no cell."""
    device, request = choose_device(plan.request.options.device), plan.request
    start = Start.of(request, observer)
    network = start.network(request.outputs)
    photographs = {name: request.data.photographs(name) for name in request.domains}
    settings = settings_for(request, "head")
    bench = Bench(
        tasks=plan.tasks,
        methods=plan.methods,
        steps=_FEW,
        validator=plan.validator,
        items=len(request.data.items),
        photographs=photographs,
        inputs=_Noise(min(_WIDTH, feature_width(network.backbones[0], start.preprocessing.crop)), device),
        settings=settings,
        device=device,
        held_out=request.options.held_out,
    )
    unfinished = Unfinished(observer)
    there = [key for key, identity in identities_of(bench, plan, start.weights).items() if unfinished.find(identity)]
    short = replace(bench, settings=replace(settings, epochs=1))
    seconds, left = dict[str, float](), dict[str, int]()
    with observer.track("timing", len(plan.methods)) as advance:
        for name in plan.methods:
            left[name] = sum((name, seed) not in there for seed in plan.seeds)
            seconds[name] = round(left[name] * _of_a_seed(short, name, settings.epochs, plan.steps), 1)
            advance(1)
    jobs = max(1, min(processes_for(plan, device), cores(), sum(left.values())))
    return Estimated(
        tasks={name: list(pair) for name, pair in plan.tasks.items()},
        seeds=list(plan.seeds),
        cells=len(plan.methods) * len(plan.seeds) * len(plan.tasks),
        there=len(there) * len(plan.tasks),
        jobs=jobs,
        methods=seconds,
        seconds=round(sum(seconds.values()) / jobs, 1),
        views=plan.views * sum(map(len, photographs.values())),
        photographs_per_second=round(_rate(network, start.preprocessing.crop, device), 1),
    )


def _of_a_seed(bench: Bench, name: str, epochs: int, steps: int) -> float:
    """Seconds that a method takes with one seed: for so many epochs what each takes apart from its steps, and these."""
    if bench.methods[name].source_free:  # what it goes on from is in erm's row
        bench.computed(SOURCE_ONLY, 0)
    bench.computed(name, 0)  # the first time, memory is asked for and threads are made
    sources = {} if name == SOURCE_ONLY else bench.sources  # erm is not to be found there already
    few, more = (_timed(replace(bench, steps=count, sources=sources.copy()), name) for count in (_FEW, _MORE))
    step = max(0.0, (more - few) / (_MORE - _FEW))
    passes = bench.methods[name].passes
    return few if passes is not None else epochs * (max(0.0, few - _FEW * step) + steps * step)


def _timed(bench: Bench, name: str) -> float:
    began = time.perf_counter()
    bench.computed(name, 0)
    return time.perf_counter() - began


def _rate(network: Network, crop: int, device: torch.device) -> float:
    """Photographs a second through the frozen part."""
    frozen = cut(network, "head").frozen
    assert frozen is not None
    frozen.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(_IMAGES, 3, crop, crop, device=device).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), fast_arithmetic(device):
        frozen(images)
        began = time.perf_counter()
        frozen(images).sum().item()
    return _IMAGES / (time.perf_counter() - began)
