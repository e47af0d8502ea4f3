"""`office31 methods`."""

from office31_cli.cli import options


def methods(as_json: options.AsJson = False) -> None:
    """List the adaptation methods with their hyper-parameters.

    Example: office31 methods
    """
    from office31_cli.recipes.methods import methods as recipe
    from office31_cli.report.console import Reporter
    from office31_cli.report.methods import methods_table

    reporter = Reporter(as_json=as_json)
    found = recipe()
    reporter.show(found, methods_table(found))
