"""`office31 finetune`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options, values
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one
from office31_cli.errors import Misuse


@command(20, Panel.TRAIN, torchrun=True)
def finetune(
    target: Annotated[
        str,
        typer.Option(
            "--target",
            help="The domain whose labels to learn from.",
            autocompletion=complete_one(completion.list_labelled),
        ),
    ],
    model: options.Model = None,
    data: options.Data = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            help="How; office31 strategies lists them.",
            autocompletion=complete_one(completion.list_strategies),
        ),
    ] = "full",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE, a hyper-parameter of the strategy; may be given again."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="all of the training part, or a number an item.", show_default="all"),
    ] = None,
    labels_from: Annotated[
        Path | None,
        typer.Option("--labels-from", help="A file of paths, a line each: learn from these photographs' labels."),
    ] = None,
    with_source: Annotated[
        bool, typer.Option("--with-source", help="Learn again from what the model was trained on, too.")
    ] = False,
    outputs: options.Outputs = None,
    train: options.Train = None,
    epochs: options.Epochs = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    label_smoothing: Annotated[
        float, typer.Option("--label-smoothing", help="Share of a label's certainty spread over all labels.")
    ] = 0.0,
    layer_decay: Annotated[
        float | None, typer.Option("--layer-decay", help="A layer's learning rate over that of the layer above.")
    ] = None,
    gradual_unfreezing: Annotated[
        bool, typer.Option("--gradual-unfreezing", help="Begin with the last layer; one more joins each epoch.")
    ] = False,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience",
            min=1,
            help="Keep a fifth of the labels, one an item at least; stop so many epochs after the best.",
        ),
    ] = None,
    ema: Annotated[
        float | None, typer.Option("--ema", help="Decay of the moving average of the weights that is kept.")
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
    """Go on from a stored network with labels of the target.

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
