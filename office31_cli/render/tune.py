"""How a search for hyper-parameters looks."""

from collections.abc import Iterable
from shlex import quote

from rich.table import Table
from rich.text import Text

from office31_cli.recipes.tune import TuneResult
from office31_cli.render.console import build_cell, render_text_table
from office31_cli.text import format_percent, pluralize
from office31_cli.text_table import TextTable


def render_tuning(found: TuneResult) -> Iterable[Table | Text]:
    """The trials, the one that was picked first; and how to use it."""
    names = list(found.picked)
    yield render_text_table(
        TextTable(
            f"{found.method} on {', '.join(found.tasks)}, {pluralize(len(found.seeds), 'seed')}, {found.backbone}",
            (*(f">{name}" for name in names), ">epochs", f">{found.validator}", ">accuracy"),
            [
                [
                    *(_format_value(row.settings[name]) for name in names),
                    str(row.epochs),
                    "failed" if row.judged is None else f"{row.judged:.4f}",
                    format_percent(row.accuracy),
                ]
                for row in found.rows
            ],
            f"picked by {found.validator}, larger is better; "
            "accuracy: by the target's labels, which nothing was chosen by",
        )
    )
    chosen = " ".join(f"--set {name}={_format_value(value)}" for name, value in found.picked.items())
    for target in found.targets:
        yield build_cell(f"office31 adapt --target {quote(target)} --method {found.method} {chosen}")


def _format_value(value: float | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
