"""How to go on from a stored network with labels: one file a strategy, found by its name.

To add one, write `NAME.py` with a docstring whose first line says what it does and a class `Strategy`
that derives from `base.Strategy`. Nothing else needs to know of it.
"""

from typing import TYPE_CHECKING

from office31_cli.discovery import PluginFolder

if TYPE_CHECKING:
    from office31_cli.strategies.base import Strategy

FOLDER = PluginFolder(__name__, "strategy")


def load(name: str) -> "type[Strategy]":
    """The strategy's class; raises `Misuse` with a near match where there is none."""
    found: type[Strategy] = FOLDER.load(name).Strategy
    return found
