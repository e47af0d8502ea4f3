"""`office31 models gc`."""

from typing import Annotated

import typer

from office31_cli.cli import options
from office31_cli.cli.command import command


@command(70)
def gc(
    runs: Annotated[
        bool, typer.Option("--runs", help="Delete interrupted runs as well: they start anew when repeated.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Delete what is in the trash and what killed processes left.

    Example: office31 models gc
    """
    from office31_cli.recipes.models.gc import collect_garbage
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_cleanup

    result = collect_garbage(forget_runs=runs)
    Reporter(as_json=as_json).show(result, render_cleanup(result))
