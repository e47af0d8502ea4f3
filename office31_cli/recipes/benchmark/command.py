"""`office31 benchmark`: every ordered pair of domains, by every method, with every seed, in one table."""

from office31_cli.data.published import choose_by_method, nearest_network
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.benchmark.plan import BenchmarkPlan, published_beside
from office31_cli.recipes.benchmark.results import (
    SATURATED,
    SELECTION,
    BenchmarkEstimate,
    BenchmarkResult,
    comparisons_of,
    row_of,
)


def dry_run(plan: BenchmarkPlan, *, observer: Observer = SILENT) -> BenchmarkEstimate:
    """How long the plan would take here, from a few steps of each method; no cell is computed."""
    from office31_cli.recipes.benchmark import estimate  # torch, 3 s: only now that all that was typed makes sense

    return estimate.estimated(plan, observer)


def benchmark(plan: BenchmarkPlan, *, observer: Observer = SILENT) -> BenchmarkResult:
    """Adapt from every domain to every other, by every method and with every seed, on cached features.

    All of the source's labels are used, as in the field's protocol, and none of the target's; heads are drawn by the
    seed, and source-free methods go on from what `erm` makes of them. Scored is the last epoch on all of the target.
    Published averages stand beside ours where the photographs are those that they were measured on.
    """
    from office31_cli.recipes.benchmark import run  # torch, 3 s: only now that all that was typed makes sense

    results = run.computed(plan, observer)
    backbone = plan.request.backbone
    network = plan.beside or nearest_network(backbone)
    published = published_beside(plan.request.data, plan.request.domains, network) if network else []
    known = choose_by_method(published)
    rows = [row_of(name, plan.tasks, plan.seeds, results.cells, known.get(name)) for name in plan.methods]
    return BenchmarkResult(
        backbone=backbone,
        weights=results.weights,
        selection=SELECTION,
        validator=plan.validator,
        seeds=list(plan.seeds),
        photographs=results.photographs,
        seconds=results.seconds,
        rows=rows,
        published=published if plan.beside else [],
        saturated=[task for task in plan.tasks if all((row.tasks[task]["mean"] or 0) >= SATURATED for row in rows)],
        comparisons=comparisons_of(list(plan.methods), plan.tasks, plan.seeds, results.cells),
    )
