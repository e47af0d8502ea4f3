"""`office31 pretrain`."""

from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one
from office31_cli.cli.help import MODEL


@command(10, Panel.TRAIN, torchrun=True)
def pretrain(
    domain: Annotated[
        list[str],
        typer.Option(
            "--domain",
            metavar="DOMAIN",
            help="A labelled domain, or all; may be repeated.",
            autocompletion=complete_one(completion.list_labelled_or_all),
        ),
    ],
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    allow_nonfinite: Annotated[
        bool,
        typer.Option(
            "--allow-nonfinite",
            help="Accept a weights file that holds NaN or infinite values.",
            rich_help_panel=MODEL,
        ),
    ] = False,
    data: options.Data = None,
    outputs: options.Outputs = None,
    train: options.Train = None,
    epochs: options.Epochs = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    class_weights: options.ClassWeights = "none",
    held_out: options.HeldOut = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    name: options.Name = None,
    resume: options.Resume = False,
    force: options.Force = False,
    tensorboard: options.Tensorboard = None,
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Train a network on one or more labelled domains and store it.

    Example: office31 pretrain --domain amazon --backbone resnet50
    """
    from office31_cli.recipes.pretrain import pretrain as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.training import render_training
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    chosen = Options(
        outputs=outputs,
        train=train,
        epochs=epochs,
        lr=lr,
        optimizer=optimizer,
        batch_size=batch_size,
        class_weights=class_weights,
        held_out=held_out,
        seed=seed,
        device=device,
        name=name,
        resume=resume,
        force=force,
        allow_nonfinite=allow_nonfinite,
        tensorboard=tensorboard,
        skip_bad=skip_bad,
    )
    result = recipe(domain, data=data, backbone=backbone, weights=weights, options=chosen, observer=reporter)
    reporter.show(result, render_training(result, charts=reporter.is_terminal))
