"""How to go on from a stored network with labels: one file a strategy, found by its name.

To add one, write `NAME.py` with a docstring whose first line says what it does and a class `Strategy`
that derives from `base.Strategy`. Nothing else needs to know of it.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable

if TYPE_CHECKING:
    from office31_cli.strategies.base import Strategy


def names() -> tuple[str, ...]:
    """The strategies, by their files' names with hyphens. Imports none of them."""
    found = (module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if name != "base"))


def check(name: str) -> None:
    """Raise `Misuse` with a near match where there is no such strategy."""
    if name not in names():
        raise Misuse(f"strategy {printable(name)}", "there is none of that name", did_you_mean(name, names()))


def load(name: str) -> "Strategy":
    """The strategy, ready to be used."""
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    strategy: Strategy = module.Strategy()
    return strategy
