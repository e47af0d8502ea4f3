"""`office31 models rename`."""

from typing import Annotated

import typer

from office31_cli.cli import options
from office31_cli.cli.command import command


@command(40)
def rename(
    model: options.ModelArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    as_json: options.AsJson = False,
) -> None:
    """Give a model another name.

    Example: office31 models rename amazon-resnet50 best
    """
    from office31_cli.recipes.models.rows import ModelDetails
    from office31_cli.registry import Registry, upkeep
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_renaming

    result = ModelDetails(upkeep.rename(Registry(), model, name))
    Reporter(as_json=as_json).show(result, render_renaming(result))
