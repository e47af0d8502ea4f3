"""How a score looks."""

from rich.table import Table

from office31_cli.report.calibration import confidence, reliability_table
from office31_cli.report.console import cell, percent, table
from office31_cli.report.outputs import outputs_table
from office31_cli.report.training import labels
from office31_cli.results import Evaluated
from office31_cli.text import counted


def evaluation_tables(result: Evaluated) -> list[Table]:
    """The items, the pairs most often confused, and last, where the eye is, the score."""
    return [
        _items(result),
        *([_confused(result)] if result.confused else []),
        reliability_table(result.calibration),
        *([outputs_table(result.outputs)] if len(result.outputs) > 1 else []),
        _score(result),
    ]


def _score(result: Evaluated) -> Table:
    made = table(f"{result.model} on {result.split}, {counted(result.photographs, 'photograph')}", "", "")
    made.show_header = False
    low, high = result.ci95
    made.add_row("accuracy", f"{percent(result.accuracy)}  (95 % interval {percent(low)} to {percent(high)})")
    made.add_row("macro accuracy", percent(result.macro_accuracy))
    for what, told in confidence(result):
        made.add_row(what, cell(told))
    made.add_row("labels seen", cell(labels(result.labels_used)))
    if result.seen:
        made.add_row("not honest", f"the model learnt from {result.seen:,} of these photographs")
    return made


def _items(result: Evaluated) -> Table:
    made = table("by item, worst first", "item", ">photographs", ">accuracy")
    for item, row in sorted(result.per_item.items(), key=lambda pair: (pair[1]["accuracy"], pair[0])):
        made.add_row(cell(item), f"{row['photographs']:,}", percent(row["accuracy"]))
    return made


def _confused(result: Evaluated) -> Table:
    made = table("most often confused", "item", "taken for", ">photographs", ">of the item")
    for pair in result.confused:
        made.add_row(cell(pair["actual"]), cell(pair["predicted"]), f"{pair['photographs']:,}", percent(pair["share"]))
    return made
