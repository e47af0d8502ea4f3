"""Items with unequal numbers of photographs: weights in the loss, or draws, that give each item the same share."""

from collections.abc import Sequence

import numpy as np

from office31_cli.data.photographs import IntArray
from office31_cli.engine.random_numbers import cycle_places
from office31_cli.outputs.base import FloatArray


def balanced_weights(parts: Sequence[IntArray], count: int, *, batch_size: int) -> FloatArray:
    """The weight (count,) of each item in the loss: n / (K n_k) for an item with n_k of n labels; 0 without a label.

    K is the number of items that have a label. `parts` are the items' numbers of examples that are drawn side by side,
    `batch_size` of each part or all of it, whose shares of a step are taken for those of the labels.
    """
    frequencies = np.zeros(count)
    for part in parts:
        if len(part):
            frequencies += min(batch_size, len(part)) * np.bincount(part, minlength=count) / len(part)
    weights = np.zeros(count)
    present = frequencies > 0
    weights[present] = frequencies.sum() / (present.sum() * frequencies[present])
    return weights


def balanced_places(name: str, seed: int | str, items: IntArray, start: int, size: int) -> IntArray:
    """Places `start` to `start + size` of a sequence of examples in which items come equally often.

    `items` (n,) are the examples' items. Each round of the sequence has one example of every item, in another order
    each time, and each item's examples are gone through again and again, reshuffled.
    """
    present = np.unique(items)
    turns = cycle_places(f"{name}, items", seed, len(present), start, size)
    rounds = np.arange(start, start + size) // len(present)
    places = np.empty(size, dtype=np.int64)
    for turn, item in enumerate(present.tolist()):
        there = np.flatnonzero(turns == turn)
        if len(there):  # in consecutive rounds
            own = np.flatnonzero(items == item)
            first = int(rounds[there[0]])
            places[there] = own[cycle_places(f"{name}, item {item}", seed, len(own), first, len(there))]
    return places
