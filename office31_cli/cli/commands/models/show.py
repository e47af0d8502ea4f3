"""`office31 models show`."""

from office31_cli.cli import options
from office31_cli.cli.command import command


@command(20)
def show(model: options.ModelArgument, details: options.Details = False, as_json: options.AsJson = False) -> None:
    """Show what is known about a model.

    Example: office31 models show amazon-resnet50
    """
    from office31_cli.recipes.models.rows import ModelDetails
    from office31_cli.registry import Registry
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_model

    result, reporter = ModelDetails(Registry().find(model)), Reporter(as_json=as_json)
    reporter.show(result, *render_model(result, details=details, charts=reporter.is_terminal))
