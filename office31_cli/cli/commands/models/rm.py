"""`office31 models rm`."""

from typing import Annotated

import typer

from office31_cli.cli import options
from office31_cli.cli.command import command


@command(50)
def remove(
    model: options.ModelArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Also where others were made from it; leaves a tombstone.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Move a model into the trash, which gc empties.

    Example: office31 models rm best
    """
    from office31_cli.recipes.models.rows import Removal
    from office31_cli.registry import Registry, upkeep
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_removal

    result = Removal(upkeep.remove(Registry(), model, force=force))
    Reporter(as_json=as_json).show(result, render_removal(result))
