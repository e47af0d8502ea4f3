"""What a network answers: one file a kind of output, found by its name, and composites of them.

To add a kind, write `NAME.py` with a class `Kind` that derives from `base.Output`. Nothing else needs to know of
it: a column of that kind can be declared in a folder's `labels.csv` and asked for with `--outputs`.
"""

import importlib
import pkgutil

from office31_cli.outputs.base import Output

_NO_KINDS = ("base", "composite", "notation")


def kinds() -> tuple[str, ...]:
    """The kinds by name: `yes_no.py` is `yes/no`. Imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(__path__) if module.name not in _NO_KINDS)
    return tuple(sorted(name.replace("_", "/") for name in found))


def load(kind: str) -> type[Output]:
    """The class of a kind that `kinds` lists; raises ValueError for any other."""
    if kind not in kinds():
        raise ValueError(f"there is no kind of output called {kind!r}")
    made: type[Output] = importlib.import_module(f"{__name__}.{kind.replace('/', '_')}").Kind
    return made


def inferred(texts: set[str]) -> str:
    """The narrowest kind that can hold every one of the texts: yes/no, else a number, else a choice."""
    fitting = [(load(kind).breadth, kind) for kind in kinds() if load(kind).fits(texts)]
    return min(fitting)[1]
