"""How `report` and `figures` tell what they wrote: the score, and the files."""

from rich.filesize import decimal
from rich.table import Table

from office31_cli.recipes.report.results import SavedReport, View
from office31_cli.render.console import build_cell, build_table
from office31_cli.text import format_interval, format_percent, pluralize


def render_saved_report(saved: SavedReport) -> Table:
    """The score beside the other model's, and every file with its size."""
    report = saved.report
    made = build_table(
        f"{report.this.entry.name} on {report.split}, {pluralize(len(report.this.target.photographs), 'photograph')}",
        "",
        "",
    )
    made.show_header = False
    for view in (report.this, report.other):
        if view is not None:
            made.add_row(build_cell("accuracy" if view is report.this else view.entry.name), _format_score(view))
    if report.alone:
        made.add_row("alone", build_cell(report.alone))
    for path in saved.paths:
        made.add_row(build_cell(path), decimal(path.stat().st_size))
    return made


def _format_score(view: View) -> str:
    if view.scored is None:
        return "the photographs have no labels"
    return f"{format_percent(view.scored.accuracy)}  (95 % interval {format_interval(view.scored.ci95)})"
