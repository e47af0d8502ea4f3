"""`office31 compare labels`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options, values
from office31_cli.cli.command import command
from office31_cli.cli.completion import complete_one, complete_several
from office31_cli.cli.help import OUTPUT


@command(40)
def labels(
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="DOMAIN",
            help="The domain to fine-tune on.",
            autocompletion=complete_one(completion.list_labelled),
        ),
    ],
    budgets: Annotated[
        str,
        typer.Option("--labels", metavar="N,N,...", help="Labels an item; 0 adapts without any, all takes all."),
    ] = "0,1,3,5,10,all",
    chosen: Annotated[
        str,
        typer.Option(
            "--strategies",
            metavar="NAMES",
            help="Fine-tuning strategies, with commas between.",
            autocompletion=complete_several(completion.list_strategies),
        ),
    ] = "linear,full,mcc",
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="The method that adapts without labels.",
            autocompletion=complete_one(completion.list_methods),
        ),
    ] = "mcc",
    with_source: Annotated[
        bool,
        typer.Option("--with-source/--target-only", help="Train on the model's source as well, or not."),
    ] = True,
    seeds: options.Seeds = "0,1,2,3,4",
    png: Annotated[
        Path | None,
        typer.Option("--png", metavar="FILE", help="Write the plot to this file as well.", rich_help_panel=OUTPUT),
    ] = None,
    model: options.Model = None,
    data: options.Data = None,
    train: options.Train = None,
    epochs: options.Epochs = None,
    lr: options.LearningRate = None,
    optimizer: options.Optimizer = "nesterov",
    batch_size: options.BatchSize = 64,
    held_out: options.HeldOut = None,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    details: options.Details = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure what labels of the target buy.

    Fine-tunes a stored network with more and more labels of the target, beside adapting without any.

    Example: office31 compare labels --target dslr
    """
    from office31_cli.recipes.compare.labels import compare_labels
    from office31_cli.render.console import Reporter
    from office31_cli.render.label_budget import render_labels
    from office31_cli.workflow.plots import check_picture
    from office31_cli.workflow.request import Options

    if png is not None:
        check_picture("--png", png)
    reporter = Reporter(as_json=as_json)
    found = compare_labels(
        target,
        budgets=[values.parse_labels(word, least=0) for word in values.parse_words("--labels", budgets)],
        strategies=values.parse_words("--strategies", chosen),
        method=method,
        with_source=with_source,
        seeds=values.parse_numbers("--seeds", seeds),
        model=model,
        data=data,
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
    reporter.show(found, *render_labels(found, details=details))
    if png is not None:
        found.save_plot(png)
