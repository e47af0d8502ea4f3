"""How a benchmark looks: the six-task table of the literature."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from office31_cli.recipes.benchmark import Benchmarked
from office31_cli.report.console import spread, table
from office31_cli.text import counted


def benchmark_tables(found: Benchmarked) -> Iterable[Table]:
    """The methods' rows, then the published ones where they were asked for."""
    tasks = list(found.rows[0].tasks)
    made = table(
        f"{found.backbone}, {counted(len(found.seeds), 'seed')}, last epoch, %",
        "method",
        *(f">{task}" for task in tasks),
        ">average",
        ">picked",
        ">oracle",
        ">s",
        caption="on all of the target, with all of the source's labels and none of the target's; picked: the average "
        f"at the epochs that {found.validator} picks without labels; oracle: at the best ones, which only labels tell; "
        "s: of training, for source-free methods without that of erm, which they go on from",
    )
    for row in found.rows:
        made.add_row(
            row.method,
            *(_over_seeds(row.tasks[task]) for task in tasks),
            _over_seeds(row.average),
            spread(row.average["selected"], None),
            spread(row.average["oracle"], None),
            f"{row.seconds:.0f}",
        )
    yield made
    if found.published:
        yield _published(found, tasks)


def _over_seeds(figures: Mapping[str, Any]) -> str:
    """`82.8 ±0.5`, which a narrow terminal may break at the space."""
    return spread(figures["mean"], figures["std"]).replace("±", " ±")


def _published(found: Benchmarked, tasks: list[str]) -> Table:
    made = table(
        f"published with {found.published[0].backbone}, %",
        "method",
        *(f">{task}" for task in tasks),
        ">average",
        "epoch",
        "source",
        caption="as others reported it",
    )
    for row in found.published:
        shown = (spread(row.tasks.get(task), None) for task in tasks)
        made.add_row(row.method, *shown, spread(row.average, None), row.selection, row.source)
    return made
