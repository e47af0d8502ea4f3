"""`office31 models verify`."""

from office31_cli.cli import options
from office31_cli.cli.command import command
from office31_cli.errors import Refused


@command(60)
def verify(as_json: options.AsJson = False) -> None:
    """Check every stored byte; the exit code is 3 where one differs.

    Example: office31 models verify
    """
    from office31_cli.recipes.models.rows import Verification
    from office31_cli.registry import Registry, upkeep
    from office31_cli.render.console import Reporter
    from office31_cli.render.models import render_verification
    from office31_cli.text import pluralize

    registry = Registry()
    result = Verification(len(registry.layout.ids()), upkeep.verify(registry))
    Reporter(as_json=as_json).show(result, render_verification(result))
    if result.problems:
        first, others = result.problems[0], len(result.problems) - 1
        more = f" (and {pluralize(others, 'other problem')})" if others else ""
        fix = "bring back a good copy, or move the model into the trash: office31 models rm ID"
        raise Refused(first.path, first.why + more, fix)
