"""Which labelled photographs a training learns from, and which are held out."""

from dataclasses import dataclass

import numpy as np

from office31_cli.data.photographs import BoolArray, Photographs
from office31_cli.data.splits import draw_labelled, held_out, shortfalls
from office31_cli.errors import Failed
from office31_cli.observer import Observer
from office31_cli.recipes import labelled
from office31_cli.recipes.material import Domain
from office31_cli.recipes.request import Request
from office31_cli.text import listed


@dataclass(frozen=True, eq=False)
class Parts:
    """By domain, the photographs to learn from and those held out; and all that the network will have seen."""

    learnt: list[Photographs]
    held_out: list[Photographs]
    seen: labelled.Labelled


def divide(request: Request, domains: list[Domain], observer: Observer) -> Parts:
    """Learn from all but a held-out share of each domain, or from a few labels an item.

    A photograph is held out only if no copy of it was ever learnt from, here or by the parent model.
    """
    parts = [domain.photographs for domain in domains]
    learnt = [part.subset(_learnt(request, part, observer)) for part in parts]
    if not any(map(len, learnt)):
        raise Failed("training", "no labelled photographs are left to learn from", "use a smaller --held-out")
    before = labelled.of(request.parent) if request.parent else {}
    seen = labelled.merged(before, labelled.by_domain(learnt))
    holds_back = request.labels is not None or request.options.held_out > 0
    return Parts(learnt, [part.subset(holds_back & ~labelled.seen(part, seen)) for part in parts], seen)


def _learnt(request: Request, photographs: Photographs, observer: Observer) -> BoolArray:
    """Which of a domain's photographs (n,) to learn from."""
    items, groups, seed = photographs.items, photographs.digests, request.options.seed
    if request.labels is not None:
        drawn = draw_labelled(items, groups, per_item=request.labels, seed=seed)
        if few := shortfalls(items, drawn, request.labels):
            names = listed(f"{request.data.items[item]} ({count})" for item, count in few.items())
            observer.warn(f"fewer than {request.labels} labels: {names}")
        return drawn
    if request.options.held_out == 0:
        return np.ones(len(photographs), dtype=np.bool_)
    return ~held_out(items, groups, fraction=request.options.held_out, seed=seed)
