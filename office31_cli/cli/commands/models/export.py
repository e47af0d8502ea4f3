"""`office31 models export`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.command import command
from office31_cli.cli.completion import complete_one


@command(80)
def export(
    model: options.ModelArgument,
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="Where to.", show_default="the model's name in this folder")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="safetensors, which import takes back; onnx or pt2 (torch.export), which run without office31.",
            show_default="what PATH ends in, else safetensors",
            autocompletion=complete_one(completion.list_export_formats),
        ),
    ] = None,
    preprocessing: Annotated[
        bool, typer.Option("--preprocessing", help="Put preprocessing inside: an onnx or pt2 file takes any picture.")
    ] = False,
    opset: Annotated[
        int | None, typer.Option("--opset", help="The version of onnx's operators.", show_default="torch's choice")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", help="How far a logit may be from the model's own.", show_default="0.001"),
    ] = None,
    pictures: Annotated[
        int | None,
        typer.Option("--pictures", min=1, help="How many to compare the file with the model on.", show_default="64"),
    ] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Score the model, and write a model card beside the file: PATH's name, .md.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files that are there.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Write a model to one file, for here or for elsewhere.

    An onnx or pt2 file is run again on photographs, and is kept only if it answers as the model does.

    Example: office31 models export best best.onnx --preprocessing --card
    """
    from office31_cli.recipes.models.export import export as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_export

    reporter = Reporter(as_json=as_json)
    result = recipe(
        model,
        path,
        form=form,
        preprocessing=preprocessing,
        opset=opset,
        tolerance=tolerance,
        pictures=pictures,
        card=card,
        overwrite=overwrite,
        observer=reporter,
    )
    reporter.show(result, render_export(result))
