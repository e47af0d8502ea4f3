"""How `compare labels` looks: accuracy against the number of labels, as a table and as a plot of characters."""

from collections.abc import Iterable

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


def render_labels(found: LabelsComparison) -> Iterable[Table | Text]:
    """The table, the plot, and what they say."""
    made = build_table(
        f"{found.model} on {found.target}, {pluralize(len(found.seeds), 'seed')}, %",
        ">labels an item",
        "strategy",
        ">photographs",
        ">rest",
        ">held out",
        ">s",
        caption="rest: all photographs of the target whose labels were not used; held out: the same photographs "
        "whatever the number of labels" + (f"; beside the labels of {found.source}" if found.with_source else ""),
    )
    for row in found.rows:
        made.add_row(
            str(row.labels),
            build_cell(row.strategy),
            f"{row.photographs:.0f}",
            format_spread(row.mean, row.std),
            format_spread(row.held_out["mean"], row.held_out["std"]),
            f"{row.seconds:.1f}",
        )
    yield made
    if len(found.curves) and len(found.budgets) > 1:
        yield _draw_plot(found)
    yield Text("\n".join(_summarize(found)))


def _draw_plot(found: LabelsComparison) -> Text:
    budgets, curves, levels = found.budgets, found.curves, found.baselines
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
    drawn = [
        f"{100 * (high - (high - low) * place / (HEIGHT - 1)):5.1f} ┤{''.join(cells)} {names.get(place, '')}".rstrip()
        for place, cells in enumerate(canvas)
    ]
    axis = "      └" + "─" * width
    ticks = "       " + "".join(str(budget).center(STEP) for budget in budgets).rstrip()
    legend = "       " + ", ".join(f"{mark} {name}" for mark, name in zip(MARKS, curves, strict=False))
    return Text("\n".join(["% of the rest, by labels an item", *drawn, axis, ticks, legend, ""]))


def _summarize(found: LabelsComparison) -> Iterable[str]:
    adapted = next((row for row in found.rows if row.labels == 0 and row.strategy != AS_STORED), None)
    alone = next((row for row in found.rows if row.strategy == TARGET_ALONE), None)
    if adapted is not None and found.overtakes is not None:
        told, strategy = describe_budget(found.overtakes["labels"]), found.overtakes["strategy"]
        yield f"From {told} on, fine-tuning ({strategy}) does better than {adapted.strategy} without any."
    elif adapted is not None:
        yield f"No strategy does better than {adapted.strategy} without labels."
    if alone is not None:
        reached = format_spread(alone.mean, alone.std)
        yield f"All labels of {found.target} alone, without the stored head, reach {reached} %."
