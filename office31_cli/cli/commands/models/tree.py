"""`office31 models tree`."""

from office31_cli.cli import options
from office31_cli.cli.command import command


@command(30)
def tree(as_json: options.AsJson = False) -> None:
    """Show which model was made from which.

    Example: office31 models tree
    """
    from office31_cli.recipes.models.rows import Lineage
    from office31_cli.registry import Registry, lineage
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_tree

    result, reporter = Lineage(lineage.build_forest(Registry())), Reporter(as_json=as_json)
    reporter.show(result, *render_tree(result))
    if not result.roots:
        reporter.say("no models are stored; make one with: office31 pretrain --domain amazon")
