"""`office31 models export`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.command import command
from office31_cli.cli.completion import complete_one
from office31_cli.errors import Misuse


@command(80)
def export(
    model: options.ModelArgument,
    path: Annotated[Path | None, typer.Argument(metavar="PATH", hidden=True)] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The file to write.", show_default="the model's name in this folder"
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="safetensors, which import reads back; onnx or pt2 (torch.export), which run without office31.",
            show_default="what FILE ends in, else safetensors",
            autocompletion=complete_one(completion.list_export_formats),
        ),
    ] = None,
    preprocessing: Annotated[
        bool,
        typer.Option(
            "--preprocessing", help="Include preprocessing: the onnx or pt2 file takes a picture of any size."
        ),
    ] = False,
    opset: Annotated[
        int | None,
        typer.Option("--opset", metavar="N", help="The version of onnx's operators.", show_default="torch's choice"),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance", metavar="X", help="How far a logit may be from the model's own.", show_default="0.001"
        ),
    ] = None,
    pictures: Annotated[
        int | None,
        typer.Option(
            "--pictures", metavar="N", min=1, help="Photographs to compare file and model on.", show_default="64"
        ),
    ] = None,
    card: Annotated[
        bool,
        typer.Option("--card", help="Score the model, and write a model card beside the file, FILE's name with .md."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files that are there.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Write a model to one file, for office31 or for other programs.

    An onnx or pt2 file is run on photographs, and kept only if it predicts what the model does.

    Example: office31 models export best -o best.onnx --preprocessing --card
    """
    from office31_cli.recipes.models.export import export as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_export

    reporter = Reporter(as_json=as_json)
    result = recipe(
        model,
        _choose_path(path, out),
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


def _choose_path(argument: Path | None, option: Path | None) -> Path | None:
    """The file to write; earlier versions took it as an argument only, and it still may be one."""
    if argument is not None and option is not None:
        raise Misuse("PATH and --out", "the file is named twice", "leave PATH out")
    return option if argument is None else argument
