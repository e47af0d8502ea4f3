"""How `report` and `figures` tell what they wrote: the score, and the files."""

from rich.filesize import decimal
from rich.table import Table

from office31_cli.recipes.report.results import SavedReport, View
from office31_cli.render.console import cell, table
from office31_cli.text import percent, pluralize


def saved_table(saved: SavedReport) -> Table:
    """The score beside the other model's, and every file with its size."""
    report = saved.report
    made = table(
        f"{report.this.entry.name} on {report.split}, {pluralize(len(report.this.target.photographs), 'photograph')}",
        "",
        "",
    )
    made.show_header = False
    for view in (report.this, report.other):
        if view is not None:
            made.add_row(cell("accuracy" if view is report.this else view.entry.name), _score(view))
    if report.alone:
        made.add_row("alone", cell(report.alone))
    for path in saved.paths:
        made.add_row(cell(path), decimal(path.stat().st_size))
    return made


def _score(view: View) -> str:
    if view.scored is None:
        return "the photographs have no labels"
    low, high = view.scored.ci95
    return f"{percent(view.scored.accuracy)}  (95 % interval {percent(low)} to {percent(high)})"
