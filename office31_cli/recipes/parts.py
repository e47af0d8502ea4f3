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
    """Hold out a share of each domain; learn from the rest, or from a few labels an item of it.

    So whatever the number of labels, the same photographs are scored. A photograph is held out only if no copy of
    it was ever learnt from, here or by the parent model.
    """
    parts = [domain.photographs for domain in domains]
    kept_back = [_kept_back(request, part) for part in parts]
    learnt = [_learnt(request, part.subset(~mask), observer) for part, mask in zip(parts, kept_back, strict=True)]
    if parts and not any(map(len, learnt)):
        raise Failed("training", "no labelled photographs are left to learn from", "use a smaller --held-out")
    before = labelled.of(request.parent) if request.parent else {}
    seen = labelled.merged(before, labelled.by_domain(learnt))
    unseen = [mask & ~labelled.seen(part, seen) for part, mask in zip(parts, kept_back, strict=True)]
    return Parts(learnt, [part.subset(mask) for part, mask in zip(parts, unseen, strict=True)], seen)


def _kept_back(request: Request, photographs: Photographs) -> BoolArray:
    """Which of a domain's photographs (n,) are held out."""
    if request.options.held_out == 0:
        return np.zeros(len(photographs), dtype=np.bool_)
    fraction, seed = request.options.held_out, request.options.seed
    return held_out(photographs.items, photographs.digests, fraction=fraction, seed=seed)


def _learnt(request: Request, training: Photographs, observer: Observer) -> Photographs:
    """The photographs of the training part to learn from: all, or so many an item."""
    if request.labels is None:
        return training
    drawn = draw_labelled(training.items, training.digests, per_item=request.labels, seed=request.options.seed)
    if few := shortfalls(training.items, drawn, request.labels):
        names = listed(f"{request.data.items[item]} ({count})" for item, count in few.items())
        observer.warn(f"fewer than {request.labels} labels: {names}")
    return training.subset(drawn)
