"""How the lists of adaptation methods and of fine-tuning strategies look."""

from rich.table import Table
from rich.text import Text

from office31_cli.recipes.listing import Hyperparameter, Listing
from office31_cli.render.console import build_cell, build_table
from office31_cli.text import printable

_MARKS = {
    "source_free": "* goes on from the stored model with the target alone",
    "unlabelled": "* learns from the target's unlabelled photographs, too",
}


def render_listing(found: Listing) -> Table:
    """A row each: what it does, where it is from, and what `--set` takes."""
    made = build_table(
        f"{len(found.rows)} {found.plural}",
        found.kind,
        "what it does",
        "--set (default; range)",
        caption=_MARKS[found.mark],
    )
    for row in found.rows:
        settings = "\n".join(map(_format_setting, row.hyperparameters)) or "-"
        source = row.paper if row.package is None else f"{row.paper} (added by {row.package})"
        told = Text.assemble(build_cell(row.summary), "\n", (printable(source), "dim"))
        made.add_row(f"{row.name}{' *' if row.marked else ''}", told, settings)
    return made


def _format_setting(setting: Hyperparameter) -> str:
    if isinstance(setting.default, bool):
        return f"{setting.name} ({str(setting.default).lower()})"
    return f"{setting.name} ({setting.default:g}; {setting.low:g} to {setting.high:g})"
