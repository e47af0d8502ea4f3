"""`office31 finetune`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options, values
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one
from office31_cli.cli.help import TRAINING
from office31_cli.errors import Misuse


@command(20, Panel.TRAIN, torchrun=True)
def finetune(
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="DOMAIN",
            help="The domain to fine-tune on, with its labels.",
            autocompletion=complete_one(completion.list_labelled),
        ),
    ],
    model: options.Model = None,
    data: options.Data = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            metavar="NAME",
            help="A fine-tuning strategy; office31 strategies lists them.",
            autocompletion=complete_one(completion.list_strategies),
        ),
    ] = "full",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A hyper-parameter of the strategy; may be repeated."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", metavar="N|all", help="Labels an item, or all of the training part.", show_default="all"
        ),
    ] = None,
    labels_from: Annotated[
        Path | None,
        typer.Option(
            "--labels-from",
            metavar="FILE",
            help="Train on the photographs that this file names: a path a line, or CSV of path,item.",
        ),
    ] = None,
    new_items: options.NewItems = False,
    add_items: Annotated[
        bool,
        typer.Option(
            "--add-items", help="Give items that the model does not know outputs of their own; else they are left out."
        ),
    ] = False,
    with_source: Annotated[
        bool, typer.Option("--with-source", help="Train on what the model was trained on as well.")
    ] = False,
    outputs: options.Outputs = None,
    train: options.Train = None,
    epochs: options.Epochs = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    class_weights: options.ClassWeights = "none",
    label_smoothing: Annotated[
        float,
        typer.Option(
            "--label-smoothing",
            metavar="SHARE",
            help="Share of a label's probability that is spread over all labels.",
            rich_help_panel=TRAINING,
        ),
    ] = 0.0,
    layer_decay: Annotated[
        float | None,
        typer.Option(
            "--layer-decay",
            metavar="FACTOR",
            help="A layer's learning rate divided by that of the layer above it.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    gradual_unfreezing: Annotated[
        bool,
        typer.Option(
            "--gradual-unfreezing",
            help="Start with the last layer; unfreeze one more each epoch.",
            rich_help_panel=TRAINING,
        ),
    ] = False,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience",
            metavar="N",
            min=1,
            help="Stop early: N epochs after the best on a validation set, a fifth of the labels.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    ema: Annotated[
        float | None,
        typer.Option(
            "--ema",
            metavar="DECAY",
            help="Store the exponential moving average of the weights, with this decay.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
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
    """Fine-tune a stored network with labels of the target.

    Example: office31 finetune --target dslr --labels 3
    """
    from office31_cli.engine.settings import Refinements
    from office31_cli.recipes.finetune import finetune as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.training import render_training
    from office31_cli.workflow.request import Options

    if labels is not None and labels_from is not None:
        raise Misuse("--labels and --labels-from", "the list says which labels there are", "leave one of them out")
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
        tensorboard=tensorboard,
        skip_bad=skip_bad,
    )
    result = recipe(
        target,
        model=model,
        data=data,
        strategy=strategy,
        settings=values.parse_assignments(settings or []),
        labels=None if labels is None else values.parse_labels(labels),
        labels_from=labels_from,
        new_items=new_items,
        add_items=add_items,
        with_source=with_source,
        refinements=Refinements(
            label_smoothing=label_smoothing,
            layer_decay=layer_decay,
            gradual_unfreezing=gradual_unfreezing,
            patience=patience,
            ema=ema,
        ),
        options=chosen,
        observer=reporter,
    )
    reporter.show(result, render_training(result, charts=reporter.is_terminal))
