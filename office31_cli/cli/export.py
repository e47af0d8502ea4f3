"""`office31 models export` and `import`: models as files, for elsewhere and from there."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion
from office31_cli.cli.completion import complete_one
from office31_cli.cli.options import AsJson, Data, Name, Word


def export(
    model: Word,
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
    as_json: AsJson = False,
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


def import_model(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A file that models export wrote, or a classifier's .pth.")
    ],
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            help="The torchvision network, or timm:NAME, that a classifier from elsewhere is.",
            show_default=False,
            autocompletion=complete_one(completion.list_backbones),
        ),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option(
            "--items", help="What the classifier's outputs are called, a line each.", show_default="the items of --data"
        ),
    ] = None,
    data: Data = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(
            "--domain",
            help="A domain of --data whose labels it has seen; may be given again.",
            autocompletion=complete_one(completion.list_labelled),
        ),
    ] = None,
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Store a model from a file, checked throughout.

    Example: office31 models import best.safetensors --name best

    A torchvision classifier becomes a model without a bottleneck: its logits are what they were.

    Example: office31 models import resnet50.pth --backbone resnet50 --items items.txt --domain amazon
    """
    from office31_cli.recipes.models.import_model import import_model as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_import

    reporter = Reporter(as_json=as_json)
    row = recipe(path, backbone=backbone, items=items, data=data, domains=domain or (), name=name, observer=reporter)
    reporter.show(row, render_import(row))
