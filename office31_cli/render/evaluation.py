"""How a score looks."""

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from office31_cli.render.calibration import build_reliability_table, describe_confidence
from office31_cli.render.console import build_cell, build_table
from office31_cli.render.heatmap import RIGHT, HeatMap
from office31_cli.render.outputs import build_outputs_table
from office31_cli.results import Evaluation
from office31_cli.text import format_interval, format_percent, pluralize, printable
from office31_cli.workflow.wording import describe_labels

_BAR = 24
"""Columns of a bar for 100 %."""


def render_evaluation(result: Evaluation, *, charts: bool = False) -> list[RenderableType]:
    """The items, what they are taken for, and last, where the eye is, the score; figures, unless they are `drawn`."""
    return [
        _build_items_table(result, charts=charts),
        *([_build_confusion(**result.confusion, charts=charts)] if result.confusion else []),
        *([_build_confused_table(result)] if result.confused else []),
        build_reliability_table(result.calibration),
        *([build_outputs_table(result.outputs)] if len(result.outputs) > 1 else []),
        _build_summary_table(result),
    ]


def _build_summary_table(result: Evaluation) -> Table:
    made = build_table(f"{result.model} on {result.split}, {pluralize(result.photographs, 'photograph')}", "", "")
    made.show_header = False
    made.add_row("accuracy", f"{format_percent(result.accuracy)}  (95 % interval {format_interval(result.ci95)})")
    made.add_row("macro accuracy", format_percent(result.macro_accuracy))
    for what, told in describe_confidence(result):
        made.add_row(what, build_cell(told))
    made.add_row("labels seen", build_cell(describe_labels(result.labels_used)))
    if result.seen:
        made.add_row("not honest", f"the model learnt from {result.seen:,} of these photographs")
    return made


def _build_items_table(result: Evaluation, *, charts: bool) -> Table:
    made = build_table("by item, worst first", "item", ">photographs", ">accuracy", *([""] if charts else []))
    for item, row in sorted(result.per_item.items(), key=lambda pair: (pair[1]["accuracy"], pair[0])):
        bar = [Bar(1, 0, row["accuracy"], width=_BAR, color=RIGHT)] if charts else []
        made.add_row(build_cell(item), f"{row['photographs']:,}", format_percent(row["accuracy"]), *bar)
    return made


def _build_confusion(items: list[str], counts: list[list[int]], *, charts: bool) -> RenderableType:
    """What each item, a row, is taken for."""
    title = "what each item is taken for"
    if charts:
        return Group(Text(title, "bold"), HeatMap(counts, items))
    made = build_table(title, "item", *(f">{printable(item)}" for item in items))
    for item, row in zip(items, counts, strict=True):
        made.add_row(build_cell(item), *map(str, row))
    return made


def _build_confused_table(result: Evaluation) -> Table:
    made = build_table("most often confused", "item", "taken for", ">photographs", ">of the item")
    for pair in result.confused:
        made.add_row(
            build_cell(pair["actual"]),
            build_cell(pair["predicted"]),
            f"{pair['photographs']:,}",
            format_percent(pair["share"]),
        )
    return made
