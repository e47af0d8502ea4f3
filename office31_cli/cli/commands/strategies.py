"""`office31 strategies`."""

from office31_cli.cli import options
from office31_cli.cli.command import Panel, command


@command(60, Panel.TRAIN)
def strategies(details: options.Details = False, as_json: options.AsJson = False) -> None:
    """List the fine-tuning strategies and their hyper-parameters.

    Example: office31 strategies
    """
    from office31_cli.recipes import listing
    from office31_cli.render.console import Reporter
    from office31_cli.render.listing import render_listing

    reporter = Reporter(as_json=as_json)
    result = listing.list_strategies(reporter)
    reporter.show(result, render_listing(result, details=details))
