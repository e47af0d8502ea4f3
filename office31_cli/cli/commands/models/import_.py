"""`office31 models import`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.command import command
from office31_cli.cli.completion import complete_one


@command(90)
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
    data: options.Data = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(
            "--domain",
            help="A domain of --data whose labels it has seen; may be given again.",
            autocompletion=complete_one(completion.list_labelled),
        ),
    ] = None,
    name: options.Name = None,
    as_json: options.AsJson = False,
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
