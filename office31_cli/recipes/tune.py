"""`office31 tune`: a method's hyper-parameters, chosen without a label of the target."""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING, Any

from office31_cli import methods as adaptation
from office31_cli.data.catalogue import DataLike
from office31_cli.engine.settings import HELD_OUT_SHARE
from office31_cli.errors import Failed, Misuse
from office31_cli.methods.base import Method
from office31_cli.metrics.validators import SOURCE
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.benchmark.plan import BenchmarkPlan, plan_benchmark
from office31_cli.text import did_you_mean, printable
from office31_cli.workflow.partial_results import PartialResults
from office31_cli.workflow.request import DEFAULT_VALIDATOR, DEFAULTS, Options

if TYPE_CHECKING:
    from office31_cli.recipes.benchmark.cells import BenchmarkSetup


SEARCHES = ("halving", "random")
TRIALS = 9

ETA = 3
"""Successive halving keeps a third of the trials and triples their epochs (Jamieson and Talwalkar 2016)."""


@dataclass(frozen=True)
class Trial:
    """One setting of the method."""

    name: str
    settings: dict[str, float | int | bool]
    epochs: int
    """With which it was last trained: fewer than the others if it was dropped on the way."""
    judged: float | None
    """The validator's score, the mean over tasks and seeds; None where a training failed."""
    accuracy: float | None
    """On the target, by its labels: for information, nothing is chosen by it."""


@dataclass(frozen=True)
class TuneResult:
    """All trials: those with the most epochs first, among these the one that the validator scores highest."""

    method: str
    validator: str
    search: str
    backbone: str
    tasks: list[str]
    targets: list[str]
    """The domains that the tasks adapt to."""
    seeds: list[int]
    picked: dict[str, float | int | bool]
    rows: list[Trial]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


def tune(
    method: str,
    *,
    trials: int = TRIALS,
    search: str = SEARCHES[0],
    validator: str = DEFAULT_VALIDATOR,
    seeds: Sequence[int] = (0,),
    tasks: Sequence[str] | None = None,
    steps: int | None = None,
    views: int | None = None,
    jobs: int | None = None,
    data: DataLike | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> TuneResult:
    """Search a method's hyper-parameters on cached features, and pick the setting that `validator` scores highest.

    The first trial has the defaults, the others are drawn from the ranges that the method declares. No label of a
    target takes part; the validator `source` holds out some of the source's labels. Raises `Misuse` for names and
    numbers that make no sense, before anything is loaded. For the other parameters see `plan_benchmark`.
    """
    if search not in SEARCHES:
        raise Misuse(f"--search {printable(search)}", "not one of ours", did_you_mean(search, SEARCHES))
    if trials < 2:
        raise Misuse(f"--trials {trials}", "too few to choose from", "use 2 or more")
    kind = adaptation.load(method)
    if not kind.hyperparameters():
        raise Misuse(f"--method {method}", "it has nothing to set", "choose another")
    plan = plan_benchmark(
        [method],
        seeds=seeds,
        tasks=tasks,
        validator=validator,
        steps=steps,
        views=views,
        jobs=jobs,
        data=data,
        backbone=backbone,
        weights=weights,
        options=replace(options, held_out=HELD_OUT_SHARE)
        if validator == SOURCE and options.held_out is None
        else options,
        observer=observer,
    )
    drawn = _draw_settings(kind, trials, plan.seeds[0])
    plan = replace(plan, methods={f"{method} {number}": each for number, each in enumerate(drawn)})
    rounds = plan_rungs(trials, plan.request.options.epochs or 1) if search == "halving" else []
    rows, seconds = run_trials(plan, rounds, observer)
    if rows[0].judged is None:
        raise Failed(f"tune {method}", "every training failed", "try a smaller --lr")
    return TuneResult(
        method=method,
        validator=validator,
        search=search,
        backbone=plan.request.backbone,
        tasks=list(plan.tasks),
        targets=sorted({target for _, target in plan.tasks.values()}),
        seeds=list(plan.seeds),
        picked=rows[0].settings,
        rows=rows,
        seconds=seconds,
    )


def plan_rungs(trials: int, epochs: int) -> list[int]:
    """The epochs of each round of successive halving before the last one, which has all `epochs`."""
    rounds = max(0, math.ceil(math.log(trials, ETA) - 1e-9) - 1)
    shares = (max(1, round(epochs / ETA ** (rounds - place))) for place in range(rounds))
    return sorted({share for share in shares if share < epochs})


def _draw_settings(kind: type[Method], trials: int, seed: int) -> list[Method]:
    """The method with its defaults, then with drawn settings: log-uniform where a range spans a factor of ten."""
    draws = random.Random(f"tune {seed}")
    return [
        kind(),
        *(kind(**{each.name: _draw_value(draws, each) for each in kind.hyperparameters()}) for _ in range(trials - 1)),
    ]


def _draw_value(draws: random.Random, setting: Any) -> float | int | bool:
    low, high = setting.metadata["low"], setting.metadata["high"]
    if isinstance(setting.default, bool):
        return draws.random() < 0.5
    wide = low > 0 and high / low >= 10
    value = math.exp(draws.uniform(math.log(low), math.log(high))) if wide else draws.uniform(low, high)
    return round(value) if isinstance(setting.default, int) else float(f"{value:.3g}")


def run_trials(plan: BenchmarkPlan, rungs: Sequence[int], observer: Observer) -> tuple[list[Trial], float]:
    """Run all trials; returns them, the best first, and the seconds. An interrupted search is resumed.

    After each rung the best third stays. The defaults always stay, so that the last round says whether anything is
    better than they are.
    """
    from office31_cli.recipes.benchmark.run import prepare_features

    began = time.monotonic()
    setup, weights = prepare_features(plan, observer)
    unfinished, dropped = PartialResults(observer), list[Trial]()
    staying = list(plan.methods)
    for epochs in rungs:
        rows = _run_round(setup, plan, weights, staying, epochs, unfinished, observer)
        count = max(2, -(-len(rows) // ETA))
        kept = {row.name for row in rows[:count]} | {staying[0]}
        dropped = [row for row in rows if row.name not in kept] + dropped
        staying = [name for name in staying if name in kept]
    rows = _run_round(setup, plan, weights, staying, setup.settings.epochs, unfinished, observer)
    unfinished.clear()
    return rows + dropped, round(time.monotonic() - began, 3)


def _run_round(
    setup: "BenchmarkSetup",
    plan: BenchmarkPlan,
    weights: str,
    names: Sequence[str],
    epochs: int,
    unfinished: PartialResults,
    observer: Observer,
) -> list[Trial]:
    """Train the named trials for so many epochs; those that the validator scores highest come first."""
    from office31_cli.recipes.benchmark.run import compute_cells

    methods = {name: plan.methods[name] for name in names}
    setup = replace(setup, methods=methods, settings=replace(setup.settings, epochs=epochs))
    plan = replace(plan, methods=methods)
    cells = compute_cells(setup, plan, weights, unfinished, observer)
    rows = []
    for name, method in methods.items():
        figures = [cells[name, task, seed] for task in plan.tasks for seed in plan.seeds]
        whole = not any("failed" in each for each in figures)
        judged, accuracy = (mean(each[what] for each in figures) if whole else None for what in ("judged", "last"))
        rows.append(Trial(name, method.settings(), epochs, judged, accuracy))
    return sorted(rows, key=lambda row: (row.judged is None, -(row.judged or 0.0)))
