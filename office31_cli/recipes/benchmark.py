"""`office31 benchmark`: every ordered pair of domains, by every method, with every seed, in one table."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from statistics import mean
from typing import Any

from office31_cli import methods as adaptation
from office31_cli.data.folder import DataSet
from office31_cli.data.published import Published, backbones, by_method, nearest, published
from office31_cli.errors import Failed, Misuse
from office31_cli.methods.base import Method
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes import choice
from office31_cli.recipes.adapt import DEFAULT_VALIDATOR, DEFAULTS, EPOCHS, STEPS, VIEWS, check_validator
from office31_cli.recipes.compare.results import average
from office31_cli.recipes.pretrain import requested
from office31_cli.recipes.request import Options, Request
from office31_cli.text import counted, did_you_mean, listed, printable

SELECTION = "last epoch"
FIGURES = ("last", "selected", "oracle")


@dataclass(frozen=True)
class Plan:
    """All that decides a benchmark's figures beside the request's start."""

    request: Request
    """The start that all runs share; its domains are all that are in a task."""
    tasks: dict[str, tuple[str, str]]
    """Source and target by the task's name."""
    methods: dict[str, Method]
    seeds: tuple[int, ...]
    steps: int
    views: int
    validator: str
    jobs: int
    """Processes that work side by side."""


@dataclass(frozen=True)
class BenchmarkRow:
    """One method over all tasks; accuracies are fractions of all of the target's photographs."""

    method: str
    tasks: dict[str, dict[str, Any]]
    """By task: mean and standard deviation over seeds of the last epoch, the runs, and how other rules fare."""
    average: dict[str, float | None]
    """Over tasks: the mean, the standard deviation of the seeds' averages, and how other rules fare."""
    seconds: float
    published: float | None
    """The average of the same method with the network that was asked for, else with the one nearest to ours."""
    published_selection: str | None
    """Which epoch was scored for it."""


@dataclass(frozen=True)
class Benchmarked:
    """A whole table."""

    backbone: str
    weights: str
    selection: str
    validator: str
    seeds: list[int]
    photographs: dict[str, int]
    """By domain."""
    seconds: float
    rows: list[BenchmarkRow]
    published: list[Published]

    def check(self) -> None:
        """Raise `Failed` naming a cell that failed, if one did."""
        failed = [
            (row.method, task, seed, why)
            for row in self.rows
            for task, figures in row.tasks.items()
            for seed, why in figures.get("failed", {}).items()
        ]
        if failed:
            method, task, seed, why = failed[0]
            raise Failed(
                f"{counted(len(failed), 'cell')} failed, such as {method} on {task} with seed {seed}",
                printable(why),
                "try a smaller --lr; the same command goes on with what is missing",
            )

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


def benchmark(
    methods: Sequence[str],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    tasks: Sequence[str] | None = None,
    beside: str | None = None,
    validator: str = DEFAULT_VALIDATOR,
    steps: int | None = None,
    views: int | None = None,
    jobs: int | None = None,
    data: str | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> Benchmarked:
    """Adapt from every domain to every other, by every method and with every seed, on cached features.

    All of the source's labels are used, as in the field's protocol, and none of the target's; heads are drawn by the
    seed, and source-free methods go on from what `erm` makes of them. Scored is the last epoch on all of the target.
    `tasks` names some of them, `beside` the network whose published rows are shown. Raises `Misuse` for names and
    numbers that make no sense, before anything is loaded.
    """
    check_validator(validator, kept_back=False)
    if not methods or not seeds:
        raise Misuse("benchmark", "nothing to compare", "name at least one of --methods and of --seeds")
    if beside is not None and not published(beside):
        raise Misuse(f"--published {printable(beside)}", "no such rows", did_you_mean(beside, backbones()))
    for option, number in (("--steps", steps), ("--jobs", jobs)):
        if number is not None and number < 1:
            raise Misuse(f"{option} {number}", "too few", "use 1 or more")
    found = {name: adaptation.load(name)() for name in methods}
    views = max(VIEWS, *(method.views for method in found.values())) if views is None else views
    for name, method in found.items():
        if views < method.views:
            raise Misuse(f"--views {views}", f"too few for {name}", f"use {method.views} or more")
    options = replace(options, epochs=options.epochs or EPOCHS, train="head", outputs="item", resume=False)
    request = requested("benchmark", ["all"], data=data, backbone=backbone, weights=weights, options=options)
    wanted = chosen_tasks(request.data, tasks)
    domains = tuple(domain for domain in request.data.domains if any(domain in pair for pair in wanted.values()))
    plan = Plan(
        replace(request, domains=domains),
        wanted,
        found,
        tuple(seeds),
        steps or STEPS,
        views,
        validator,
        jobs or cores(),
    )
    choice.tell_data(data, request.data, observer)
    if request.weights == "none" and weights != "none":  # whoever typed none knows
        observer.warn(
            f"{request.backbone} has no weights, and is frozen: heads are trained on random features; give --weights, "
            "or a --backbone that has some"
        )
    from office31_cli.recipes import benchmarking  # torch, 3 s: only now that all that was typed makes sense

    results = benchmarking.computed(plan, observer)
    network = beside or nearest(request.backbone)
    known = by_method(network) if network else {}
    return Benchmarked(
        backbone=request.backbone,
        weights=results.weights,
        selection=SELECTION,
        validator=validator,
        seeds=list(seeds),
        photographs=results.photographs,
        seconds=results.seconds,
        rows=[_row(name, plan, results.cells, known.get(name)) for name in found],
        published=published(beside) if beside else [],
    )


def chosen_tasks(data: DataSet, asked: Sequence[str] | None) -> dict[str, tuple[str, str]]:
    """Ordered pairs of labelled domains by name, `A-W` where the initials differ; all of them unless some are named.

    They may be named in whatever case, but where that would tell two of them apart.
    Raises `Misuse` with a near match for a task that there is none of, and `Failed` where there is only one domain.
    """
    domains = data.labelled
    if len(domains) < 2:
        found, fix = "it has fewer than two labelled domains", "choose another"
        if data.unlabelled:
            found += f" (unlabelled: {printable(listed(data.unlabelled))})"
            fix = f"try office31 adapt --target {printable(data.unlabelled[0])}"
        raise Failed(f"data set {printable(data.name)}", found, fix)
    initials = [domain[0].upper() for domain in domains]
    short = dict(zip(domains, initials if len(set(initials)) == len(domains) else domains, strict=True))
    pairs = {f"{short[source]}-{short[target]}": (source, target) for source, target in permutations(domains, 2)}
    lowered = {task.lower(): task for task in pairs}
    wanted = [task if task in pairs else lowered.get(task.lower(), task) for task in asked or pairs]
    for task in wanted:
        if task not in pairs:
            raise Misuse(f"task {printable(task)}", "there is none of that name", did_you_mean(task, pairs))
    return {task: pair for task, pair in pairs.items() if task in wanted}


def cores() -> int:
    """The processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Cells = dict[tuple[str, str, int], dict[str, Any]]
"""By method, task and seed: the three scores and the seconds, or why it has `failed`."""


def _row(method: str, plan: Plan, cells: Cells, known: Published | None) -> BenchmarkRow:
    tasks: dict[str, dict[str, Any]] = {}
    for task in plan.tasks:
        runs = [cells[method, task, seed] for seed in plan.seeds]
        centre, spread = average([run.get("last") for run in runs])
        others = {name: average([run.get(name) for run in runs])[0] for name in FIGURES[1:]}
        failed = {str(seed): run["failed"] for seed, run in zip(plan.seeds, runs, strict=True) if "failed" in run}
        figures = {"mean": centre, "std": spread, "runs": [run.get("last") for run in runs], **others}
        tasks[task] = figures | ({"failed": failed} if failed else {})
    by_seed = [_over([cells[method, task, seed].get("last") for task in plan.tasks]) for seed in plan.seeds]
    centre, spread = average(by_seed)
    rules = {name: _over([each[name] for each in tasks.values()]) for name in FIGURES[1:]}
    seconds = sum(cells[method, task, seed].get("seconds", 0.0) for task in plan.tasks for seed in plan.seeds)
    whole = {"mean": centre, "std": spread, **rules}
    theirs = (known.average, known.selection) if known else (None, None)
    return BenchmarkRow(method, tasks, whole, round(seconds, 3), *theirs)


def _over(tasks: Sequence[float | None]) -> float | None:
    """The mean over tasks; None where one of them is missing, as it would be another figure without it."""
    known = [each for each in tasks if each is not None]
    return mean(known) if len(known) == len(tasks) else None
