"""`office31 predict`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import completion, options, values
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one


@command(20, Panel.LOOK)
def predict(
    pictures: Annotated[
        list[Path],
        typer.Argument(metavar="PICTURE_OR_FOLDER", help="Pictures, or folders that are searched."),
    ],
    model: options.Model = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="How many of the likeliest items to show.")] = 3,
    min_confidence: Annotated[
        float,
        typer.Option(
            "--min-confidence", metavar="SHARE", min=0.0, max=1.0, help="Abstain where the confidence is lower."
        ),
    ] = 0.0,
    coverage: Annotated[
        float | None,
        typer.Option(
            "--coverage",
            metavar="SHARE",
            help="Show prediction sets with this target coverage, such as 0.9.",
            show_default=False,
        ),
    ] = None,
    unknown: Annotated[
        float | None,
        typer.Option(
            "--unknown",
            metavar="RATE",
            help="Predict unknown for what looks like none of the items; of known ones this share may be lost, "
            "such as 0.05.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="table, json or csv.",
            autocompletion=complete_one(completion.list_prediction_formats),
        ),
    ] = "table",
    device: options.Device = "auto",
    batch_size: Annotated[int, typer.Option("--batch-size", metavar="N", min=1, help="Pictures at a time.")] = 16,
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Predict the items on pictures of your own.

    Every picture that can be read gets a prediction, whatever else there is; the exit code is then 1 if one cannot be
    read, and 3 if one is refused as unsafe.

    Example: office31 predict desk.jpg photographs/ --min-confidence 0.6
    """
    from office31_cli.recipes.predict.command import predict as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.predict import FORMATS, render_predictions

    form = values.check_format(form, FORMATS, as_json=as_json)
    reporter = Reporter()
    found = recipe(
        pictures,
        model=model,
        top=top,
        min_confidence=min_confidence,
        coverage=coverage,
        unknown=unknown,
        device=device,
        batch_size=batch_size,
        observer=reporter,
    )
    reporter.stream(render_predictions(found, form))
    found.check(skip_bad=skip_bad)
