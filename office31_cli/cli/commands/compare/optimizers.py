"""`office31 compare optimizers`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options, values
from office31_cli.cli.command import command
from office31_cli.cli.completion import complete_several
from office31_cli.cli.help import TRAINING
from office31_cli.errors import Misuse


@command(20)
def optimizers(
    chosen: Annotated[
        str | None,
        typer.Option(
            "--optimizers",
            metavar="NAMES",
            help="Those to compare, with commas between.",
            show_default="all",
            autocompletion=complete_several(completion.list_optimizers),
        ),
    ] = None,
    rates: Annotated[
        str | None,
        typer.Option(
            "--lrs",
            metavar="RATES",
            help="Learning rates, with commas between.",
            show_default="1e-5,1e-4,1e-3,1e-2,1e-1",
        ),
    ] = None,
    landscape: Annotated[
        bool,
        typer.Option("--landscape", help="Train nothing: draw descents on a curve with a shallow and a deep minimum."),
    ] = False,
    png: Annotated[
        Path | None,
        typer.Option("--png", metavar="FILE", help="With --landscape: write the drawings to this file as well."),
    ] = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    data: options.Data = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            metavar="N",
            min=1,
            help="Passes over the labelled photographs.",
            show_default="3",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    batch_size: options.BatchSize = 64,
    held_out: options.HeldOut = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    details: options.Details = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare optimizers and learning rates.

    On cached features of all domains, and with a small network on pixels.

    Example: office31 compare optimizers --backbone squeezenet1_0
    """
    from office31_cli.recipes.compare import optimizers as recipe
    from office31_cli.render.compare import render_claims, render_optimizers
    from office31_cli.render.console import Reporter
    from office31_cli.render.landscape import render_landscape
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    names = None if chosen is None else values.parse_words("--optimizers", chosen)
    speeds = recipe.parse_rates(rates)
    if landscape:
        ways = recipe.compare_landscape(names, speeds)
        if png is not None:
            ways.save_plot(png)
        reporter.show(ways, *render_landscape(ways), *render_claims(ways.claims, details=details))
        return
    if png is not None:
        raise Misuse("--png", "only the drawings of --landscape can be written", "add --landscape")
    found = recipe.compare_optimizers(
        names,
        rates=speeds,
        data=data,
        backbone=backbone,
        weights=weights,
        options=Options(
            epochs=epochs, batch_size=batch_size, held_out=held_out, seed=seed, device=device, skip_bad=skip_bad
        ),
        observer=reporter,
    )
    reporter.show(found, *render_optimizers(found, details=details))
