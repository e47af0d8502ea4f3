"""How a score looks."""

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from office31_cli.render.calibration import confidence, reliability_table
from office31_cli.render.console import cell, table
from office31_cli.render.heatmap import RIGHT, HeatMap
from office31_cli.render.outputs import outputs_table
from office31_cli.results import Evaluation
from office31_cli.text import percent, pluralize, printable
from office31_cli.workflow.wording import describe_labels

_BAR = 24
"""Columns of a bar for 100 %."""


def evaluation_tables(result: Evaluation, *, drawn: bool = False) -> list[RenderableType]:
    """The items, what they are taken for, and last, where the eye is, the score; figures, unless they are `drawn`."""
    return [
        _items(result, drawn=drawn),
        *([_confusion(**result.confusion, drawn=drawn)] if result.confusion else []),
        *([_confused(result)] if result.confused else []),
        reliability_table(result.calibration),
        *([outputs_table(result.outputs)] if len(result.outputs) > 1 else []),
        _score(result),
    ]


def _score(result: Evaluation) -> Table:
    made = table(f"{result.model} on {result.split}, {pluralize(result.photographs, 'photograph')}", "", "")
    made.show_header = False
    low, high = result.ci95
    made.add_row("accuracy", f"{percent(result.accuracy)}  (95 % interval {percent(low)} to {percent(high)})")
    made.add_row("macro accuracy", percent(result.macro_accuracy))
    for what, told in confidence(result):
        made.add_row(what, cell(told))
    made.add_row("labels seen", cell(describe_labels(result.labels_used)))
    if result.seen:
        made.add_row("not honest", f"the model learnt from {result.seen:,} of these photographs")
    return made


def _items(result: Evaluation, *, drawn: bool) -> Table:
    made = table("by item, worst first", "item", ">photographs", ">accuracy", *([""] if drawn else []))
    for item, row in sorted(result.per_item.items(), key=lambda pair: (pair[1]["accuracy"], pair[0])):
        bar = [Bar(1, 0, row["accuracy"], width=_BAR, color=RIGHT)] if drawn else []
        made.add_row(cell(item), f"{row['photographs']:,}", percent(row["accuracy"]), *bar)
    return made


def _confusion(items: list[str], counts: list[list[int]], *, drawn: bool) -> RenderableType:
    """What each item, a row, is taken for."""
    title = "what each item is taken for"
    if drawn:
        return Group(Text(title, "bold"), HeatMap(counts, items))
    made = table(title, "item", *(f">{printable(item)}" for item in items))
    for item, row in zip(items, counts, strict=True):
        made.add_row(cell(item), *map(str, row))
    return made


def _confused(result: Evaluation) -> Table:
    made = table("most often confused", "item", "taken for", ">photographs", ">of the item")
    for pair in result.confused:
        made.add_row(cell(pair["actual"]), cell(pair["predicted"]), f"{pair['photographs']:,}", percent(pair["share"]))
    return made
