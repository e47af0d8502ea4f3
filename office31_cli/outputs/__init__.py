"""What a network predicts: one file a kind of output, found by its name, and composites of them.

To add a kind, write `NAME.py` with a class `Kind` that derives from `base.Output`. Nothing else needs to know of
it: a column of that kind can be declared in a folder's `labels.csv` and asked for with `--outputs`.
"""

from office31_cli.discovery import ModuleFolder
from office31_cli.outputs.base import Output

FOLDER = ModuleFolder(__name__, "kind of output", shared=("base", "composite", "notation"), separator="/")


def kinds() -> tuple[str, ...]:
    """The kinds by name, such as `yes/no` for `yes_no.py`. Imports none of them."""
    return FOLDER.names()


def load(kind: str) -> type[Output]:
    """The class of a kind that `kinds` lists; raises ValueError for any other."""
    if kind not in kinds():
        raise ValueError(f"there is no kind of output called {kind!r}")
    output: type[Output] = FOLDER.load(kind).Kind
    return output


def infer_kind(texts: set[str]) -> str:
    """The narrowest kind that accepts all of a column's texts: yes/no, else a number, else a choice."""
    fitting = [(load(kind).breadth, kind) for kind in kinds() if load(kind).accepts(texts)]
    return min(fitting)[1]
