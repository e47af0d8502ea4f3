"""An output of every kind, composites of them, and values of the columns that they predict."""

import numpy as np

from office31_cli.outputs.base import FloatArray, Output
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.number import Kind as Number
from office31_cli.outputs.pair import Kind as Pair
from office31_cli.outputs.yes_no import Kind as YesNo

ITEM = Choice(name="item", labels=("bike", "mug", "pen"))
DOMAIN = Choice(name="domain", labels=("phone", "shop"))
BOXED = YesNo(name="boxed")
GRAMS = Number(name="grams", mean=300.0, std=40.0)
PAIR = Pair(name="pair", domains=DOMAIN.labels, items=ITEM.labels)

EVERY: tuple[Output, ...] = (ITEM, DOMAIN, BOXED, GRAMS, PAIR)


def joined(*outputs: Output) -> Composite:
    """Outputs that share their hidden layers."""
    return Composite((outputs,))


def apart(*outputs: Output) -> Composite:
    """A network each, side by side."""
    return Composite(tuple((output,) for output in outputs))


def decode(output: Output, raw: FloatArray) -> dict[str, FloatArray]:
    """What one output predicts, in the precision of `raw`."""
    return joined(output).decode_array(raw)


def drawn_columns(count: int = 7, seed: int = 0) -> dict[str, FloatArray]:
    """Values of every column, (n,), of which none is left out."""
    random = np.random.default_rng(seed)
    return {
        "item": random.permutation(np.arange(count) % 3).astype(float),
        "domain": random.permutation(np.arange(count) % 2).astype(float),
        "boxed": random.permutation(np.arange(count) % 2).astype(float),
        "grams": random.normal(310.0, 60.0, count),
    }
