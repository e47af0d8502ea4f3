"""`office31 benchmark`: every ordered pair of domains, by every method, with every seed, in one table."""

from collections.abc import Sequence

from office31_cli.data.catalogue import DataLike
from office31_cli.data.published import choose_by_method, nearest_network
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.benchmark.item_split import HOS
from office31_cli.recipes.benchmark.plan import METHODS, SEEDS, BenchmarkPlan, find_published_rows, plan_benchmark
from office31_cli.recipes.benchmark.results import (
    OPEN_SET,
    SATURATED,
    SELECTION,
    BenchmarkEstimate,
    BenchmarkResult,
    build_row,
    compare_methods,
)
from office31_cli.workflow.request import DEFAULT_VALIDATOR, DEFAULTS, Options


def benchmark(
    methods: Sequence[str] = METHODS,
    *,
    seeds: Sequence[int] = SEEDS,
    tasks: Sequence[str] | None = None,
    setting: str | None = None,
    source_items: Sequence[str] | None = None,
    target_items: Sequence[str] | None = None,
    published: str | None = None,
    validator: str = DEFAULT_VALIDATOR,
    steps: int | None = None,
    views: int | None = None,
    jobs: int | None = None,
    on: str = "here",
    data: DataLike | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> BenchmarkResult:
    """Adapt from every domain to every other, by every method and with every seed, on cached features.

    Training uses all labels of the source, as in the field's protocol, and none of the target. The score is that of the
    last epoch on all of the target: the accuracy or, where it shows unknown items, HOS. Interrupted, the same benchmark
    computes what is missing. For the parameters, and what is raised, see `plan_benchmark`; a cell that fails is in the
    result, whose `check` raises.
    """
    plan = plan_benchmark(
        methods,
        seeds=seeds,
        tasks=tasks,
        setting=setting,
        source_items=source_items,
        target_items=target_items,
        published=published,
        validator=validator,
        steps=steps,
        views=views,
        jobs=jobs,
        on=on,
        data=data,
        backbone=backbone,
        weights=weights,
        options=options,
        observer=observer,
    )
    return run_benchmark(plan, observer=observer)


def estimate_benchmark(plan: BenchmarkPlan, *, observer: Observer = SILENT) -> BenchmarkEstimate:
    """How long a plan would take here, measured on a few steps of each method; no cell is computed."""
    from office31_cli.recipes.benchmark.estimate import estimate_plan  # torch, 3 s: only now that all makes sense

    return estimate_plan(plan, observer)


def run_benchmark(plan: BenchmarkPlan, *, observer: Observer = SILENT) -> BenchmarkResult:
    """Compute a plan's table, beside published averages where the photographs are those that they were measured on."""
    from office31_cli.recipes.benchmark.run import run_plan  # torch, 3 s: only now that all that was typed makes sense

    results = run_plan(plan, observer)
    request = plan.request
    network = plan.published or nearest_network(request.backbone)
    published = find_published_rows(request.data, request.domains, network, plan.items.setting) if network else []
    known = choose_by_method(published)
    beside = OPEN_SET if plan.items.metric == HOS else ()
    rows = [build_row(name, plan.tasks, plan.seeds, results.cells, known.get(name), beside) for name in plan.methods]
    return BenchmarkResult(
        backbone=request.backbone,
        weights=results.weights,
        setting=plan.items.setting,
        metric=plan.items.metric,
        item_sets=results.item_sets,
        selection=SELECTION,
        validator=plan.validator,
        seeds=list(plan.seeds),
        photographs=results.photographs,
        seconds=results.seconds,
        rows=rows,
        published=published if plan.published else [],
        saturated=[task for task in plan.tasks if all((row.tasks[task]["mean"] or 0) >= SATURATED for row in rows)],
        comparisons=compare_methods(list(plan.methods), plan.tasks, plan.seeds, results.cells),
    )
