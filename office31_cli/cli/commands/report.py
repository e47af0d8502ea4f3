"""`office31 report`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import options, values
from office31_cli.cli.command import Panel, command


@command(30, Panel.LOOK)
def report(
    argument: options.NewestModelArgument = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write.")] = Path("report.html"),
    compare: options.ComparedModel = None,
    split: options.Split = None,
    embedding: options.Embedding = None,
    model: options.Model = None,
    data: options.Data = None,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Write all that is known about a model to one HTML page.

    The page needs no network and runs no script; it holds small copies of some photographs.

    Example: office31 report -o page.html
    """
    from office31_cli import storage
    from office31_cli.recipes.report.command import report as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.report import render_saved_report

    reporter = Reporter(as_json=as_json)
    storage.check_place(out, overwrite=overwrite)
    made = recipe(
        values.choose_model(argument, model),
        split=split,
        compare=compare,
        data=data,
        embedding=embedding,
        device=device,
        skip_bad=skip_bad,
        observer=reporter,
    )
    saved = made.save(out, overwrite=overwrite)
    reporter.show(saved, render_saved_report(saved))
