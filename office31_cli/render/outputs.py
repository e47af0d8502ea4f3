"""How the figures of output components look, whatever their kind."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from office31_cli.render.console import build_cell, build_table
from office31_cli.workflow.wording import describe_figure


def build_outputs_table(scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """A line an output: what kind it is and how it scores."""
    made = build_table("by output", "output", "kind", "score")
    for name, figures in scores.items():
        kind = figures["kind"]
        told = [describe_figure(kind, key, value) for key, value in figures.items() if key != "kind"]
        made.add_row(build_cell(name), kind, ", ".join(told))
    return made
