"""How the figures of output components look, whatever their kind."""

import math
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from office31_cli import outputs
from office31_cli.render.console import cell, percent, table


def figure(kind: str, name: str, value: float | None) -> str:
    """One figure with its name, accuracies by themselves: `83.2 %`, `r2 0.85`."""
    if name in outputs.load(kind).plain:
        return f"{name} {'-' if value is None or not math.isfinite(value) else format(value, '.3g')}"
    return percent(value) if name == "accuracy" else f"{name.replace('_', ' ')} {percent(value)}"


def headline(kind: str, value: float | None) -> str:
    """The figure that says most about a kind."""
    return figure(kind, outputs.load(kind).headline, value)


def outputs_table(scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """A line an output: what kind it is and how it scores."""
    made = table("by output", "output", "kind", "score")
    for name, figures in scores.items():
        kind = figures["kind"]
        told = [figure(kind, key, value) for key, value in figures.items() if key != "kind"]
        made.add_row(cell(name), kind, ", ".join(told))
    return made
