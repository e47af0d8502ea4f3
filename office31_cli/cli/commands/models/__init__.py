"""`office31 models`: the stored models, where they came from, and their upkeep."""

from office31_cli.cli.command import Group, Panel

GROUP = Group(
    """List, show, export and clear away stored models.

    Example: office31 models list
    """,
    Panel.KEEP,
    10,
)
