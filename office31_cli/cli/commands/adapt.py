"""`office31 adapt`."""

from typing import Annotated

import typer

from office31_cli.cli import completion, options, values
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one
from office31_cli.cli.help import DATA, TRAINING
from office31_cli.engine.settings import MOST_HELD_OUT


@command(30, Panel.TRAIN)
def adapt(
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="DOMAIN",
            help="The domain to adapt to; its labels are not used.",
            autocompletion=complete_one(completion.list_domains),
        ),
    ],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="An adaptation method; office31 methods lists them.",
            autocompletion=complete_one(completion.list_methods),
        ),
    ] = "auto",
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="DOMAIN",
            help="A labelled domain to train on; may be repeated.",
            show_default="what the model was trained on",
            autocompletion=complete_one(completion.list_labelled),
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A hyper-parameter of the method; may be repeated."),
    ] = None,
    setting: Annotated[
        str,
        typer.Option(
            "--setting",
            metavar="SETTING",
            help="Which items the target shows: closed (the source's), partial (some of them), open (others too), "
            "universal (both), or auto: estimated without labels.",
            autocompletion=complete_one(completion.list_settings_and_auto),
        ),
    ] = "auto",
    validator: options.Validator = "im",
    model: options.Model = None,
    data: options.Data = None,
    train: options.Train = None,
    epochs: options.EpochsOfSteps = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            metavar="N",
            min=1,
            help="Steps an epoch.",
            show_default="100; on a CPU that trains on pixels at most a pass over the larger domain",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    views: options.Views = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    held_out: Annotated[
        float | None,
        typer.Option(
            "--held-out",
            metavar="SHARE",
            min=0.0,
            max=MOST_HELD_OUT,
            help="Share of the source's labels that is held out.",
            show_default="0",
            rich_help_panel=DATA,
        ),
    ] = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    name: options.Name = None,
    resume: options.Resume = False,
    force: options.Force = False,
    tensorboard: options.Tensorboard = None,
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Adapt a stored network to a target without its labels.

    It is trained on the source's labels and the target's photographs.

    Example: office31 adapt --target dslr --method mcc
    """
    from office31_cli.recipes.adapt import adapt as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.training import render_training
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    chosen = Options(
        train=train,
        epochs=epochs,
        lr=lr,
        optimizer=optimizer,
        batch_size=batch_size,
        held_out=held_out,
        seed=seed,
        device=device,
        name=name,
        resume=resume,
        force=force,
        tensorboard=tensorboard,
        skip_bad=skip_bad,
    )
    result = recipe(
        target,
        method=method,
        source=source,
        settings=values.parse_assignments(settings or []),
        validator=validator,
        steps=steps,
        views=views,
        setting=setting,
        model=model,
        data=data,
        options=chosen,
        observer=reporter,
    )
    reporter.show(result, render_training(result, charts=reporter.is_terminal))
