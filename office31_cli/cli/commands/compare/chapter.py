"""`office31 compare chapter`."""

from typing import Annotated

import typer

from office31_cli.cli import options
from office31_cli.cli.command import command


@command(30)
def chapter(
    data: options.Data = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            metavar="N",
            min=1,
            help="Stop each run after N epochs.",
            show_default="20 and 50, as in the book",
        ),
    ] = None,
    held_out: options.HeldOut = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    skip_bad: options.SkipBad = False,
    as_json: options.AsJson = False,
) -> None:
    """Repeat the textbook's own runs.

    There are three, on all domains; its figures stand beside ours.

    Example: office31 compare chapter
    """
    from office31_cli.recipes.compare.chapter import compare_chapter
    from office31_cli.render.compare import render_chapter
    from office31_cli.render.console import Reporter
    from office31_cli.workflow.request import Options

    reporter = Reporter(as_json=as_json)
    chosen = Options(held_out=held_out, seed=seed, device=device, skip_bad=skip_bad)
    found = compare_chapter(data=data, epochs=epochs, options=chosen, observer=reporter)
    reporter.show(found, *render_chapter(found))
