"""`office31 evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one


@command(10, Panel.LOOK)
def evaluate(
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="SPLIT",
            help="DOMAIN: all of it if the model saw none of its labels, else its held-out part; DOMAIN:train, "
            "DOMAIN:test or DOMAIN:all to choose.",
            autocompletion=complete_one(completion.list_splits),
        ),
    ],
    model: options.Model = None,
    data: options.Data = None,
    labels_from: Annotated[
        Path | None,
        typer.Option(
            "--labels-from",
            metavar="FILE",
            help="Score the photographs that this file names: a path a line, or CSV of path,item.",
        ),
    ] = None,
    new_items: options.NewItems = False,
    confusion: Annotated[
        bool, typer.Option("--confusion", help="Show the confusion matrix: a map in a terminal, else counts.")
    ] = False,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    coverage: Annotated[
        float,
        typer.Option("--coverage", metavar="SHARE", help="Target coverage of the prediction sets, between 0 and 1."),
    ] = 0.9,
    details: options.Details = False,
    as_json: options.AsJson = False,
) -> None:
    """Score a stored network on a domain.

    Example: office31 evaluate --split webcam
    """
    from office31_cli.recipes.evaluate import evaluate as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.evaluation import render_evaluation

    reporter = Reporter(as_json=as_json)
    result = recipe(
        split,
        model=model,
        data=data,
        labels_from=labels_from,
        new_items=new_items,
        confusion=confusion,
        device=device,
        skip_bad=skip_bad,
        coverage=coverage,
        observer=reporter,
    )
    reporter.show(result, *render_evaluation(result, details=details, charts=reporter.is_terminal))
