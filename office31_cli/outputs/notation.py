"""What `--outputs` takes: `item`, `item+0.5*domain`, `pair`, `separate`, `item+web/domain`.

`+` joins outputs that share their hidden layers, `/` separates networks, and a number before `*` weighs a loss.
"""

import math
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from office31_cli import outputs as kinds
from office31_cli.errors import Misuse
from office31_cli.outputs.base import Output
from office31_cli.outputs.composite import Composite
from office31_cli.text import printable

SEPARATE = "separate"
_SEPARATE = "item/domain"

RESERVED = "+*/,"
"""Characters that no column's name may contain."""

_HELP = "write item, item+domain, item+0.5*domain, pair or separate"


class Column(Protocol):
    """What can be predicted of a photograph."""

    @property
    def kind(self) -> str:
        """One of `outputs.kinds()`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of a choice; empty for other kinds."""


def parse(text: str, column: Callable[[str], Column]) -> Composite:
    """The composite that the text denotes; `column` looks up a data set's columns by name.

    Raises `Misuse` where the text is not of the form above, contains a column twice, or lacks the item; and whatever
    `column` raises for an unknown name.
    """
    if text.strip() == SEPARATE:
        text = _SEPARATE
    networks = tuple(tuple(_output(term, text, column) for term in network.split("+")) for network in text.split("/"))
    composite = Composite(networks)
    twice = [name for name, count in Counter(composite.columns).items() if count > 1]
    if twice:
        raise Misuse(_what(text), f"{printable(twice[0])} is asked for twice", "name each output once")
    if "item" not in composite.columns:
        raise Misuse(_what(text), "the item is not among them", "add item, or use pair")
    return composite


def format_outputs(composite: Composite) -> str:
    """The inverse of `parse`."""
    text = "/".join("+".join(map(_term, network)) for network in composite.networks)
    return SEPARATE if text == _SEPARATE else text


def _term(output: Output) -> str:
    if output.weight == 1:
        return output.name
    short = f"{output.weight:g}".replace("e+", "e")
    exact = short if float(short) == output.weight else repr(output.weight).replace("e+", "e")
    return f"{exact}*{output.name}"


def _output(term: str, text: str, column: Callable[[str], Column]) -> Output:
    factor, star, name = (part.strip() for part in term.rpartition("*"))
    if not name:
        raise Misuse(_what(text), "an output has no name", _HELP)
    weight = _weight(factor, text) if star else 1.0
    if name in kinds.kinds() and (columns := kinds.load(name).fixed_columns):
        return kinds.load(name).for_column(name, {each: column(each).labels for each in columns}).with_weight(weight)
    asked = column(name)
    return kinds.load(asked.kind).for_column(name, {name: asked.labels}).with_weight(weight)


def _weight(factor: str, text: str) -> float:
    try:
        weight = float(factor)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise Misuse(_what(text), f"{printable(factor)!r} is no weight", "use a positive number, as in item+0.5*domain")
    return weight


def _what(text: str) -> str:
    return f"--outputs {printable(text)}"
