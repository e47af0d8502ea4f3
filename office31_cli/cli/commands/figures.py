"""`office31 figures`."""

from pathlib import Path
from typing import Annotated

import typer

from office31_cli.cli import options, values
from office31_cli.cli.command import Panel, command


@command(40, Panel.LOOK)
def figures(
    argument: options.NewestModelArgument = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write them to.")] = Path(
        "figures"
    ),
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
    """Write the report's figures for a paper, each as PNG and SVG.

    Example: office31 figures --out figures
    """
    from office31_cli.recipes.report.command import figures as recipe
    from office31_cli.recipes.report.figures import check_figures
    from office31_cli.render.console import Reporter
    from office31_cli.render.report import render_saved_report

    reporter = Reporter(as_json=as_json)
    check_figures(out, overwrite=overwrite)
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
