"""How the lists of adaptation methods and of fine-tuning strategies look."""

from rich.table import Table
from rich.text import Text

from office31_cli.recipes.listing import Hyperparameter, Listing
from office31_cli.render.console import build_cell, build_table
from office31_cli.text import printable

_MARKS = {
    "source_free": "* source-free: it starts from the stored model and trains on the target alone",
    "unlabelled": "* trains on the target's unlabelled photographs as well",
}


def render_listing(listing: Listing, *, details: bool = False) -> Table:
    """A row each: what it does; with `details` also where it is from, and what `--set` takes."""
    columns = (listing.kind, "what it does", *(["--set (default; range)"] if details else []))
    caption = _MARKS[listing.mark] + ("" if details else "\npapers and hyper-parameters: --details")
    table = build_table(f"{len(listing.rows)} {listing.plural}", *columns)
    table.caption = caption
    for row in listing.rows:
        name = build_cell(f"{row.name}{' *' if row.marked else ''}")
        added = "" if row.package is None else f" (added by {row.package})"
        if not details:
            summary = row.summary.partition(": ")[2] or row.summary  # it begins with the name as the paper has it
            table.add_row(name, build_cell(summary + added))
            continue
        settings = "\n".join(map(_format_setting, row.hyperparameters)) or "-"
        source = (printable(row.paper + added), "dim")
        table.add_row(name, Text.assemble(build_cell(row.summary), "\n", source), settings)
    return table


def _format_setting(setting: Hyperparameter) -> str:
    if isinstance(setting.default, bool):
        return f"{setting.name} ({str(setting.default).lower()})"
    return f"{setting.name} ({setting.default:g}; {setting.low:g} to {setting.high:g})"
