"""Adaptation methods: how to adapt to a target without its labels; one module each, found by its name.

To add one, write `NAME.py` here: a docstring whose first line says what it does, and a class `Method` derived from
`base.Method`. Another package adds such a module by an entry point of the group `office31.methods`. Nothing else needs
to know of it: `office31 methods` lists it, `adapt` and `benchmark` take it.
"""

from office31_cli.discovery import PluginFolder
from office31_cli.methods.base import Method

FOLDER = PluginFolder(__name__, "method", entry_points="office31.methods")


def load(name: str) -> type[Method]:
    """The class of a method. Imports no torch.

    Raises `Misuse` with a near match where there is none, `Failed` where the package that adds it is broken.
    """
    return FOLDER.load_class(name, "Method", Method)
