"""What `report` and `figures` print: the score, and the files that they wrote."""

from rich.filesize import decimal
from rich.table import Table

from office31_cli.recipes.report.results import SavedReport, View
from office31_cli.render.console import build_facts
from office31_cli.text import format_interval, format_percent, pluralize


def render_saved_report(saved: SavedReport) -> Table:
    """The score beside the other model's, and every file with its size."""
    report = saved.report
    views = [view for view in (report.this, report.other) if view is not None]
    scored = len(report.this.target.photographs) if report.this.scored is None else report.this.scored.photographs
    rows = [("accuracy" if view is report.this else view.entry.name, _format_score(view, scored)) for view in views]
    if report.this.left_out:
        rows.append(("not scored", report.this.left_out))
    if report.alone:
        rows.append(("alone", report.alone))
    rows += [(str(path), decimal(path.stat().st_size)) for path in saved.paths]
    photographs = pluralize(scored, "photograph")
    return build_facts(f"{report.this.entry.name} on {report.split}, {photographs}", rows)


def _format_score(view: View, photographs: int) -> str:
    """A model's accuracy; where it is not of so many photographs, as the model knows other items, of how many."""
    if view.scored is None:
        return "the photographs have no labels"
    others = "" if view.scored.photographs == photographs else f" of {view.scored.photographs:,} photographs"
    return f"{format_percent(view.scored.accuracy)}{others}  (95 % interval {format_interval(view.scored.ci95)})"
