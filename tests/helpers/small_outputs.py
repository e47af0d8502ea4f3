"""Composites for networks whose data set does not matter."""

from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.composite import Composite


def choosing(*labels: str) -> Composite:
    """One choice, of the item."""
    return Composite(((Choice(name="item", labels=labels),),))


THREE = choosing("a", "b", "c")
