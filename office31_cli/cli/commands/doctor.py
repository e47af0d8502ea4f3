"""`office31 doctor`."""

from typing import Annotated

import typer

from office31_cli.cli import completion, options
from office31_cli.cli.command import Panel, command
from office31_cli.cli.completion import complete_one


@command(20, Panel.START)
def doctor(
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
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="DOMAIN",
            help="The domain to adapt to; its labels are not read.",
            show_default=False,
            autocompletion=complete_one(completion.list_domains),
        ),
    ] = None,
    check_labels: Annotated[
        list[str] | None,
        typer.Option(
            "--check-labels",
            metavar="DOMAIN",
            help="A labelled domain in which to look for label errors as well; may be repeated.",
            show_default="the source",
            autocompletion=complete_one(completion.list_labelled),
        ),
    ] = None,
    data: options.Data = None,
    model: options.Model = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    details: options.Details = False,
    as_json: options.AsJson = False,
) -> None:
    """Forecast what adapting brings; check data and machine.

    Without the target's labels, and before any long training. Without a domain, it examines the machine and counts
    the photographs.

    Example: office31 doctor --source amazon --target webcam
    """
    from office31_cli.recipes.doctor.command import doctor as recipe
    from office31_cli.render.console import Reporter
    from office31_cli.render.doctor import render_doctor

    reporter = Reporter(as_json=as_json)
    found = recipe(
        source=source,
        target=target,
        check_labels=check_labels or [],
        data=data,
        model=model,
        backbone=backbone,
        weights=weights,
        device=device,
        seed=seed,
        observer=reporter,
    )
    reporter.show(found, *render_doctor(found, details=details))
