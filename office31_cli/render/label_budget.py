"""How `compare labels` looks: accuracy against the number of labels, as a table and as a plot of characters."""

from collections.abc import Iterable

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from office31_cli.recipes.compare.labels_results import (
    AS_STORED,
    TARGET_ALONE,
    LabelsComparison,
    describe_budget,
)
from office31_cli.render.console import build_cell, build_table
from office31_cli.text import format_spread, pluralize

HEIGHT, STEP = 11, 9
"""Lines of the plot, and columns from one budget to the next."""

MARKS = "●▲■◆○△□◇✕+"

_REST = "the photographs whose labels were not used"


def render_labels(result: LabelsComparison, *, details: bool = False) -> Iterable[RenderableType]:
    """Accuracy by labels and strategy, the plot, and what they say; with `details` a row for every run as well."""
    yield _build_runs_table(result) if details else _build_table(result)
    if result.curves and len(result.budgets) > 1:
        yield _draw_plot(result)
    yield Text("\n".join(_summarize(result)))
    if not details:
        yield Text("accuracy on the held-out set, and seconds: --details", style="dim")


def _build_table(result: LabelsComparison) -> Table:
    baselines = [row for row in result.rows if row.strategy in result.baselines]
    table = build_table(
        f"{result.model} on {result.target}, {pluralize(len(result.seeds), 'seed')}, % of {_REST}",
        ">labels an item",
        ">photographs",
        *(f">{name}" for name in result.curves),
        caption=", ".join(f"{row.strategy}: {format_spread(row.mean, row.std)}" for row in baselines) or None,
    )
    for budget in result.budgets:
        rows = {name: row for name, curve in result.curves.items() for row in curve if row.labels == budget}
        photographs = max((row.photographs for row in rows.values()), default=0)
        cells = [format_spread(rows[name].mean, rows[name].std) if name in rows else "-" for name in result.curves]
        table.add_row(str(budget), f"{photographs:.0f}", *cells)
    return table


def _build_runs_table(result: LabelsComparison) -> Table:
    beside = f"; trained on {result.source} as well" if result.with_source else ""
    table = build_table(
        f"{result.model} on {result.target}, {pluralize(len(result.seeds), 'seed')}, %",
        ">labels an item",
        "strategy",
        ">photographs",
        ">rest",
        ">held out",
        ">s",
        caption=f"rest: {_REST}; held out: the same photographs whatever the number of labels{beside}",
    )
    for row in result.rows:
        table.add_row(
            str(row.labels),
            build_cell(row.strategy),
            f"{row.photographs:.0f}",
            format_spread(row.mean, row.std),
            format_spread(row.held_out["mean"], row.held_out["std"]),
            f"{row.seconds:.1f}",
        )
    return table


def _draw_plot(result: LabelsComparison) -> Text:
    budgets, curves, levels = result.budgets, result.curves, result.baselines
    shown = [row.mean for rows in curves.values() for row in rows] + list(levels.values())
    low, high = min(shown), max(shown)

    def line(value: float) -> int:
        return round((high - value) / ((high - low) or 1) * (HEIGHT - 1))

    width = STEP * len(budgets)
    canvas = [[" "] * width for _ in range(HEIGHT)]
    for value in levels.values():
        canvas[line(value)] = ["┄"] * width
    for mark, rows in zip(MARKS, curves.values(), strict=False):
        for row in rows:
            column = STEP * budgets.index(row.labels) + STEP // 2
            canvas[line(row.mean)][column + list(curves.values()).index(rows) - len(curves) // 2] = mark
    names: dict[int, str] = {}
    for name, value in levels.items():
        names[line(value)] = f"{names[line(value)]}, {name}" if line(value) in names else name
    lines = [
        f"{100 * (high - (high - low) * place / (HEIGHT - 1)):5.1f} ┤{''.join(cells)} {names.get(place, '')}".rstrip()
        for place, cells in enumerate(canvas)
    ]
    axis = "      └" + "─" * width
    ticks = "       " + "".join(str(budget).center(STEP) for budget in budgets).rstrip()
    legend = "       " + ", ".join(f"{mark} {name}" for mark, name in zip(MARKS, curves, strict=False))
    return Text("\n".join(["%, by labels an item", *lines, axis, ticks, legend, ""]))


def _summarize(result: LabelsComparison) -> Iterable[str]:
    adapted = next((row for row in result.rows if row.labels == 0 and row.strategy != AS_STORED), None)
    alone = next((row for row in result.rows if row.strategy == TARGET_ALONE), None)
    if adapted is not None and result.overtakes is not None:
        budget, strategy = describe_budget(result.overtakes["labels"]), result.overtakes["strategy"]
        yield f"From {budget} on, fine-tuning ({strategy}) does better than {adapted.strategy} without any."
    elif adapted is not None:
        yield f"No strategy does better than {adapted.strategy} without labels."
    if alone is not None:
        reached = format_spread(alone.mean, alone.std)
        yield f"All labels of {result.target} alone, without the stored head, reach {reached} %."
