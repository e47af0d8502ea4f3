"""Draws the held-out set, the few labelled photographs and the folds of a cross-validation.

A photograph is known by its content: its group is the SHA-256 of its bytes, and photographs of one group are
twins. What is drawn depends on the seed and the contents alone, never on the order in which photographs are
listed, so another machine, process or folder listing draws the same.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from math import ceil, floor

import numpy as np

from office31_cli.data.photographs import BoolArray, IntArray


def choose_held_out(items: IntArray, groups: Sequence[str], *, fraction: float = 0.2, seed: int = 0) -> BoolArray:
    """A mask (n,) of the photographs in the held-out set; `items` (n,) are labels, `groups` n content hashes.

    Each item gives its share, and together they give the share of all photographs, rounded up (564 of 2,817
    at 0.2). An item with two groups or more has photographs on both sides; one with a single group is trained on.
    Twins stay together. Content that is labelled as two items is trained on, as no prediction for it could be scored.
    Raises ValueError unless 0 < fraction < 1.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"a fraction to hold out lies between 0 and 1, not {fraction}")
    twins: dict[int, Counter[str]] = defaultdict(Counter)  # of each item, the photographs in each group
    for item, group in zip(items.tolist(), groups, strict=True):
        twins[item][group] += 1
    labels = Counter(group for sizes in twins.values() for group in sizes)
    chosen: set[str] = set()
    divisible = {item: sizes.total() for item, sizes in twins.items() if len(sizes) > 1}
    for item, quota in _item_quotas(divisible, fraction).items():
        unambiguous = {group: size for group, size in twins[item].items() if labels[group] == 1}
        chosen |= _choose_groups(quota, unambiguous, seed)
    return _group_mask(groups, chosen)


def choose_few_labelled(items: IntArray, groups: Sequence[str], *, per_item: int, seed: int) -> BoolArray:
    """A mask (n,) of `per_item` photographs of each item, drawn by seed: the labels of few-shot learning.

    No two of them are twins; an item with fewer groups gives one photograph of each. A draw of k is part of
    the draw of k + 1 with the same seed. Who tests on the rest must leave out the twins of what is drawn.
    """
    first: dict[int, dict[str, int]] = defaultdict(dict)  # of each item, where each group is listed first
    for place, (item, group) in enumerate(zip(items.tolist(), groups, strict=True)):
        first[item].setdefault(group, place)
    drawn = np.zeros(len(groups), dtype=np.bool_)
    for places in first.values():
        for group in _shuffle(places, "labelled", seed)[: max(per_item, 0)]:
            drawn[places[group]] = True
    return drawn


def assign_folds(items: IntArray, groups: Sequence[str], *, count: int, seed: int = 0) -> IntArray:
    """The number (n,) of each photograph's fold, from 0 to `count` - 1; twins are in one fold.

    Each item is spread over the folds as evenly as its groups allow; content that is labelled as two items goes with
    the first of them.
    """
    first: dict[str, int] = {}
    for group, item in zip(groups, items.tolist(), strict=True):
        first[group] = min(item, first.get(group, item))
    of_item: dict[int, list[str]] = defaultdict(list)
    for group, item in first.items():
        of_item[item].append(group)
    shuffled = [group for item in sorted(of_item) for group in _shuffle(of_item[item], "folds", seed)]
    number = {group: place % count for place, group in enumerate(shuffled)}
    return np.array([number[group] for group in groups], dtype=np.int64)


def _item_quotas(sizes: Mapping[int, int], fraction: float) -> dict[int, int]:
    """How many photographs of each item to hold out: at least one, never all, by the largest remainder method."""
    exact = Fraction(str(fraction))  # 0.29 of 100 is 29, not 28.999999999999996
    shares = {item: exact * sizes[item] for item in sorted(sizes)}
    quotas = {item: max(1, floor(share)) for item, share in shares.items()}
    left = max(0, ceil(sum(shares.values())) - sum(quotas.values()))
    for item in sorted(shares, key=lambda item: quotas[item] - shares[item])[:left]:
        quotas[item] += 1
    return {item: min(quota, sizes[item] - 1) for item, quota in quotas.items()}


def _choose_groups(quota: int, sizes: Mapping[str, int], seed: int) -> set[str]:
    """Whole groups in shuffled order as long as they fit into the quota; the smallest where none does."""
    shuffled = _shuffle(sizes, "held out", seed)
    chosen: set[str] = set()
    for group in shuffled:
        if sizes[group] <= quota:
            chosen.add(group)
            quota -= sizes[group]
    return chosen or set(sorted(shuffled, key=sizes.__getitem__)[:1])


def _shuffle(groups: Iterable[str], purpose: str, seed: int) -> list[str]:
    """The groups in an order that only the seed and the purpose fix.

    The purpose keeps two draws with one seed independent: those labelled are not just those that were next in
    line to be held out.
    """
    return sorted(groups, key=lambda group: sha256(f"{purpose} {seed} {group}".encode()).digest())


def _group_mask(groups: Sequence[str], chosen: set[str]) -> BoolArray:
    return np.fromiter((group in chosen for group in groups), dtype=np.bool_, count=len(groups))
