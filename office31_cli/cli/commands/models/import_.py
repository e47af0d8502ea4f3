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
            metavar="NAME",
            help="For a classifier from elsewhere: its torchvision network, or timm:NAME.",
            show_default=False,
            autocompletion=complete_one(completion.list_backbones),
        ),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option(
            "--items",
            metavar="FILE",
            help="The names of the classifier's outputs, a line each.",
            show_default="the items of --data",
        ),
    ] = None,
    data: options.Data = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(
            "--domain",
            metavar="DOMAIN",
            help="A domain of --data whose labels it has seen; may be repeated.",
            autocompletion=complete_one(completion.list_labelled),
        ),
    ] = None,
    name: options.Name = None,
    as_json: options.AsJson = False,
) -> None:
    """Check a model file and store the model.

    Example: office31 models import best.safetensors --name best

    A torchvision or timm classifier becomes a model without a bottleneck, with the same logits.

    Example: office31 models import net.pth --backbone resnet50 --items items.txt
    """
    from office31_cli.recipes.models.import_model import import_model as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_import

    reporter = Reporter(as_json=as_json)
    row = recipe(path, backbone=backbone, items=items, data=data, domains=domain or (), name=name, observer=reporter)
    reporter.show(row, render_import(row))
