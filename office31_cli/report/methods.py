"""How the list of adaptation methods looks."""

from rich.table import Table
from rich.text import Text

from office31_cli.recipes.methods import Hyperparameter, Methods
from office31_cli.report.console import cell, table


def methods_table(found: Methods) -> Table:
    """A row a method: what it does, where it is from, and what `--set` takes."""
    made = table(
        f"{len(found.rows)} methods",
        "method",
        "what it does",
        "--set (default; range)",
        caption="* goes on from the stored model with the target alone",
    )
    for row in found.rows:
        settings = "\n".join(map(_setting, row.hyperparameters)) or "-"
        told = Text.assemble(cell(row.summary), "\n", (row.paper, "dim"))
        made.add_row(f"{row.method}{' *' if row.source_free else ''}", told, settings)
    return made


def _setting(setting: Hyperparameter) -> str:
    if isinstance(setting.default, bool):
        return f"{setting.name} ({str(setting.default).lower()})"
    return f"{setting.name} ({setting.default:g}; {setting.low:g} to {setting.high:g})"
