"""Fine-tuning strategies: how to fine-tune a stored network with labels; one module each, found by its name.

To add one, write `NAME.py` here: a docstring whose first line says what it does, and a class `Strategy` derived from
`base.Strategy`. Another package adds such a module by an entry point of the group `office31.strategies`. Nothing else
needs to know of it.
"""

from office31_cli.discovery import PluginFolder
from office31_cli.strategies.base import Strategy

FOLDER = PluginFolder(__name__, "strategy", entry_points="office31.strategies")


def load(name: str) -> type[Strategy]:
    """The class of a strategy. Imports no torch.

    Raises `Misuse` with a near match where there is none, `Failed` where the package that adds it is broken.
    """
    return FOLDER.load_class(name, "Strategy", Strategy)
