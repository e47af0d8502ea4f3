"""`office31 tune`."""

from typing import Annotated

import typer

from office31_cli.cli import completion, options, values
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one


@command(40, Panel.TRAIN)
def tune(
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="The method to tune; office31 methods lists them.",
            autocompletion=complete_one(completion.list_methods),
        ),
    ],
    trials: Annotated[int, typer.Option("--trials", metavar="N", help="Settings to try, the defaults among them.")] = 9,
    search: Annotated[
        str,
        typer.Option(
            "--search", metavar="NAME", help="halving: few epochs for all trials, all epochs for the best; or random."
        ),
    ] = "halving",
    validator: options.Validator = "im",
    seeds: options.Seeds = "0",
    tasks: options.Tasks = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    data: options.Data = None,
    epochs: options.EpochsOfSteps = None,
    steps: options.Steps = None,
    views: options.Views = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    jobs: options.Jobs = None,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    details: options.Details = False,
    as_json: options.AsJson = False,
) -> None:
    """Search a method's hyper-parameters without target labels.

    On cached features, within the ranges that the method declares.

    Example: office31 tune --method cdan --tasks A-W
    """
    from office31_cli.recipes.tune import tune as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.tune import render_tuning
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    found = recipe(
        method,
        trials=trials,
        search=search,
        validator=validator,
        seeds=values.parse_numbers("--seeds", seeds),
        tasks=None if tasks is None else values.parse_words("--tasks", tasks),
        steps=steps,
        views=views,
        jobs=jobs,
        data=data,
        backbone=backbone,
        weights=weights,
        options=Options(
            epochs=epochs,
            lr=lr,
            optimizer=optimizer,
            batch_size=batch_size,
            device=device,
            skip_bad=skip_bad,
        ),
        observer=reporter,
    )
    reporter.show(found, *render_tuning(found, details=details))
