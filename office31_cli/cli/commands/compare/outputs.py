"""`office31 compare outputs`."""

from typing import Annotated

import typer

from office31_cli.cli import options, values
from office31_cli.cli.command import command


@command(10)
def outputs(
    alternatives: Annotated[
        str,
        typer.Option("--outputs", metavar="OUTPUTS,...", help="What to compare, each as for pretrain --outputs."),
    ] = "item+domain,pair,separate",
    seeds: options.Seeds = "0,1,2",
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    data: options.Data = None,
    train: options.Train = None,
    epochs: options.Epochs = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    held_out: options.HeldOut = None,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare joint, pair and separate outputs.

    Each is trained on all domains, with the same budget, seeds and split.

    Example: office31 compare outputs --backbone squeezenet1_0
    """
    from office31_cli.recipes.compare.outputs import compare_outputs
    from office31_cli.render.compare import render_outputs
    from office31_cli.render.console import Reporter
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    found = compare_outputs(
        values.parse_words("--outputs", alternatives, empty=True),  # the notation complains of an empty one itself
        seeds=values.parse_numbers("--seeds", seeds),
        data=data,
        backbone=backbone,
        weights=weights,
        options=Options(
            train=train,
            epochs=epochs,
            lr=lr,
            optimizer=optimizer,
            batch_size=batch_size,
            held_out=held_out,
            device=device,
            skip_bad=skip_bad,
        ),
        observer=reporter,
    )
    reporter.show(found, *render_outputs(found))
