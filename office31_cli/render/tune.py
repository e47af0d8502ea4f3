"""How a search for hyper-parameters looks."""

from collections.abc import Iterable
from shlex import quote

from rich.table import Table
from rich.text import Text

from office31_cli.recipes.tune import TuneResult
from office31_cli.render.console import build_cell, build_table
from office31_cli.text import format_percent, pluralize

_MOST = 20
"""Trials that are shown unless all are asked for."""


def render_tuning(result: TuneResult, *, details: bool = False) -> Iterable[Table | Text]:
    """The trials, the best first, without `details` not all of many; and the command that uses what was found."""
    names = list(result.picked)
    rows = result.rows if details else result.rows[:_MOST]
    caption = f"by {result.validator}, the best first; accuracy: by the target's labels, which nothing was selected by"
    if len(rows) < len(result.rows):
        caption += f"\n{len(result.rows) - len(rows):,} more trials: --details"
    table = build_table(
        f"{result.method} on {', '.join(result.tasks)}, {pluralize(len(result.seeds), 'seed')}, {result.backbone}",
        *(f">{name}" for name in names),
        ">epochs",
        f">{result.validator}",
        ">accuracy",
    )
    table.caption = caption
    for row in rows:
        settings = [_format_value(row.settings[name]) for name in names]
        judged = "failed" if row.judged is None else f"{row.judged:.4f}"
        table.add_row(*settings, str(row.epochs), judged, format_percent(row.accuracy))
    yield table
    chosen = " ".join(f"--set {name}={_format_value(value)}" for name, value in result.picked.items())
    for target in result.targets:
        yield build_cell(f"office31 adapt --target {quote(target)} --method {result.method} {chosen}")


def _format_value(value: float | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
