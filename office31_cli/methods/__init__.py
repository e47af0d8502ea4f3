"""How to learn from a target without its labels: one file a method, found by its name.

To add one, write `NAME.py` with a docstring whose first line says what it does and a class `Method` that derives
from `base.Method`. Nothing else needs to know of it: `office31 methods` lists it, `adapt` and `benchmark` take it.
"""

from office31_cli.discovery import PluginFolder
from office31_cli.methods.base import Method

FOLDER = PluginFolder(__name__, "method")


def load(name: str) -> type[Method]:
    """The class of a method; raises `Misuse` with a near match where there is none. Imports no torch."""
    found: type[Method] = FOLDER.load(name).Method
    return found
