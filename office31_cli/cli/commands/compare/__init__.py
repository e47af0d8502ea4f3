"""`office31 compare`: the chapter's claims, put to the test."""

from office31_cli.cli.command import Group, Panel

GROUP = Group(
    """Put the chapter's claims to the test.

    Example: office31 compare outputs
    """,
    Panel.COMPARE,
    20,
)
