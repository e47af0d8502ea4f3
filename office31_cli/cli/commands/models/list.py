"""`office31 models list`."""

from office31_cli.cli import options
from office31_cli.cli.command import command


@command(10)
def list_models(as_json: options.AsJson = False) -> None:
    """List the stored models, newest first.

    Example: office31 models list --json
    """
    from office31_cli.recipes.models.rows import ModelList, ModelRow
    from office31_cli.registry import Registry
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_list

    registry, reporter = Registry(), Reporter(as_json=as_json)
    result = ModelList([ModelRow.of(entry) for entry in registry.entries()], registry.unreadable())
    reporter.show(result, render_list(result))
    for problem in result.unreadable:
        reporter.warn(f"{problem.path}: {problem.why}; left out")
