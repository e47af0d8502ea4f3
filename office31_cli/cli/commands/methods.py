"""`office31 methods`."""

from office31_cli.cli import options
from office31_cli.cli.command import Panel, command


@command(50, Panel.TRAIN)
def methods(details: options.Details = False, as_json: options.AsJson = False) -> None:
    """List the adaptation methods and their hyper-parameters.

    Example: office31 methods
    """
    from office31_cli.recipes import listing
    from office31_cli.render.console import Reporter
    from office31_cli.render.listing import render_listing

    reporter = Reporter(as_json=as_json)
    result = listing.list_methods(reporter)
    reporter.show(result, render_listing(result, details=details))
