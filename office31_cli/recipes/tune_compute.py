"""The computing half of `tune`: rounds of trials over the cells of a benchmark."""

import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from office31_cli.observer import Observer
from office31_cli.recipes.benchmark.cells import Bench
from office31_cli.recipes.benchmark.plan import Plan
from office31_cli.recipes.benchmark.run import cells_of, laid_out
from office31_cli.recipes.tune import ETA, Trial
from office31_cli.workflow.partial_results import Unfinished


def tried(plan: Plan, rungs: Sequence[int], observer: Observer) -> tuple[list[Trial], float]:
    """All trials, the one that is picked first; and the seconds. Interrupted, the same search goes on.

    After each rung the better trials go on; the first, which are the defaults, always does, so that the last round says
    whether anything is better than they.
    """
    began = time.monotonic()
    bench, weights = laid_out(plan, observer)
    unfinished, dropped = Unfinished(observer), list[Trial]()
    staying = list(plan.methods)
    for epochs in rungs:
        rows = _round(bench, plan, weights, staying, epochs, unfinished, observer)
        count = max(2, -(-len(rows) // ETA))
        kept = {row.name for row in rows[:count]} | {staying[0]}
        dropped = [row for row in rows if row.name not in kept] + dropped
        staying = [name for name in staying if name in kept]
    rows = _round(bench, plan, weights, staying, bench.settings.epochs, unfinished, observer)
    unfinished.clear()
    return rows + dropped, round(time.monotonic() - began, 3)


def _round(
    bench: Bench,
    plan: Plan,
    weights: str,
    names: Sequence[str],
    epochs: int,
    unfinished: Unfinished,
    observer: Observer,
) -> list[Trial]:
    """The trials with so many epochs, the best judged first."""
    methods = {name: plan.methods[name] for name in names}
    bench = replace(bench, methods=methods, settings=replace(bench.settings, epochs=epochs))
    plan = replace(plan, methods=methods)
    cells = cells_of(bench, plan, weights, unfinished, observer)
    rows = []
    for name, method in methods.items():
        figures = [cells[name, task, seed] for task in plan.tasks for seed in plan.seeds]
        whole = not any("failed" in each for each in figures)
        judged, accuracy = (mean(each[what] for each in figures) if whole else None for what in ("judged", "last"))
        rows.append(Trial(name, method.settings(), epochs, judged, accuracy))
    return sorted(rows, key=lambda row: (row.judged is None, -(row.judged or 0.0)))
