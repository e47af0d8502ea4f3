"""How a search for hyper-parameters looks."""

from collections.abc import Iterable
from shlex import quote

from rich.table import Table
from rich.text import Text

from office31_cli.grid import Grid
from office31_cli.recipes.tune import TuneResult
from office31_cli.render.console import cell, grid_table
from office31_cli.text import percent, pluralize


def tune_tables(found: TuneResult) -> Iterable[Table | Text]:
    """The trials, the one that was picked first; and how to use it."""
    names = list(found.picked)
    yield grid_table(
        Grid(
            f"{found.method} on {', '.join(found.tasks)}, {pluralize(len(found.seeds), 'seed')}, {found.backbone}",
            (*(f">{name}" for name in names), ">epochs", f">{found.validator}", ">accuracy"),
            [
                [
                    *(_shown(row.settings[name]) for name in names),
                    str(row.epochs),
                    "failed" if row.judged is None else f"{row.judged:.4f}",
                    percent(row.accuracy),
                ]
                for row in found.rows
            ],
            f"picked by {found.validator}, larger is better; "
            "accuracy: by the target's labels, which nothing was chosen by",
        )
    )
    chosen = " ".join(f"--set {name}={_shown(value)}" for name, value in found.picked.items())
    for target in found.targets:
        yield cell(f"office31 adapt --target {quote(target)} --method {found.method} {chosen}")


def _shown(value: float | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
