"""Which labelled photographs a training learns from, and which are held out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from office31_cli.data.photographs import BoolArray, Photographs
from office31_cli.data.splits import choose_few_labelled, choose_held_out
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import Observer
from office31_cli.text import join_names, pluralize, printable
from office31_cli.workflow import seen_labels
from office31_cli.workflow.domains import Domain
from office31_cli.workflow.finetune_request import FinetuneRequest
from office31_cli.workflow.request import Request

VALIDATION = 0.2
"""The share of the labels that early stopping keeps for itself, of each item that has two or more."""


@dataclass(frozen=True, eq=False)
class Partition:
    """By domain, the photographs to learn from and those held out; and all that the network will have seen."""

    train: list[Photographs]
    held_out: list[Photographs]
    seen: seen_labels.SeenLabels


@dataclass(frozen=True, eq=False)
class FewShotPartition(Partition):
    """The target comes first, then what is learnt from again of the source."""

    target: Photographs
    """All of the target: what is learnt from, and the other two parts."""
    validation: Photographs
    """Labelled, and kept for early stopping; empty without it."""
    unlabelled: Photographs
    """The rest, without its labels: what is held out is part of it."""
    fewer: dict[str, int]
    """The items of which fewer photographs were there than labels were asked for, with how many."""


def divide(request: Request, domains: list[Domain]) -> Partition:
    """Hold out a share of each domain; learn from the rest."""
    parts = [domain.photographs for domain in domains]
    kept_back = [_kept_back(request, part) for part in parts]
    learnt = [part.subset(~mask) for part, mask in zip(parts, kept_back, strict=True)]
    if parts:
        _check_some(learnt)
    seen = _seen(request, learnt)
    return Partition(learnt, _unseen(parts, kept_back, seen), seen)


def divide_few_shot(request: FinetuneRequest, domains: list[Domain], observer: Observer) -> FewShotPartition:
    """Hold out a share of the target; learn from the rest, or from few labels of it, and from all of the source.

    So whatever the number of labels, the same photographs are scored. Raises `Misuse` where a list of photographs to
    learn from names one that is held out.
    """
    target, *source = (domain.photographs for domain in domains)
    kept_back = _kept_back(request, target)
    chosen = _drawn(request, target, ~kept_back) if request.listed_files is None else _on_list(request, target)
    if both := [target.files[place] for place in np.flatnonzero(_twins_of(target, chosen) & kept_back)]:
        raise Misuse(
            "--labels-from",
            f"it names {printable(both[0])} or its twin, which is held out "
            f"({pluralize(len(both), 'photograph')} in all)",
            "leave them out, or use --held-out 0 and score with office31 evaluate",
        )
    labels = target.subset(chosen)
    kept = _for_validation(request, labels)
    fewer = _fewer(request, labels)
    if fewer:
        names = join_names(f"{printable(item)} ({count})" for item, count in fewer.items())
        observer.warn(f"fewer than {request.labels} labels: {names}")
    validation = labels.subset(kept)
    looked_at = seen_labels.record_photographs([validation])
    learnt = [labels.subset(~kept), *(part.subset(~seen_labels.find_seen(part, looked_at)) for part in source)]
    _check_some(learnt[:1])
    seen = _seen(request, [*learnt, validation])
    parts = [target, *(part.subset(np.zeros(len(part), dtype=np.bool_)) for part in source)]
    kept_backs = [kept_back, *(np.zeros(0, dtype=np.bool_) for _ in source)]
    return FewShotPartition(
        learnt, _unseen(parts, kept_backs, seen), seen, target, validation, target.subset(~chosen), fewer
    )


def _check_some(learnt: Sequence[Photographs]) -> None:
    if not any(map(len, learnt)):
        raise Failed(
            "training",
            "no labelled photographs are left to learn from",
            "use a smaller --held-out, or other photographs",
        )


def _seen(request: Request, parts: Sequence[Photographs]) -> seen_labels.SeenLabels:
    """What the network will have seen, its parents included."""
    before = seen_labels.load_seen_labels(request.parent) if request.parent else {}
    now: seen_labels.SeenLabels = {}
    for part in parts:
        now = seen_labels.merge(now, seen_labels.record_photographs([part]))
    return seen_labels.merge(before, now)


def _unseen(
    parts: Sequence[Photographs], kept_back: Sequence[BoolArray], seen: seen_labels.SeenLabels
) -> list[Photographs]:
    """What is held out of each part, but for photographs of which a copy was ever learnt from."""
    unseen = [mask & ~seen_labels.find_seen(part, seen) for part, mask in zip(parts, kept_back, strict=True)]
    return [part.subset(mask) for part, mask in zip(parts, unseen, strict=True)]


def _kept_back(request: Request, photographs: Photographs) -> BoolArray:
    """Which of a domain's photographs (n,) are held out."""
    if request.held_out == 0:
        return np.zeros(len(photographs), dtype=np.bool_)
    fraction, seed = request.held_out, request.options.seed
    return choose_held_out(photographs.items, photographs.digests, fraction=fraction, seed=seed)


def _drawn(request: FinetuneRequest, target: Photographs, training: BoolArray) -> BoolArray:
    """Which of the target (n,) to learn from: all of the training part, or so many an item."""
    if request.labels is None:
        return training
    part = target.subset(training)
    drawn = choose_few_labelled(part.items, part.digests, per_item=request.labels, seed=request.options.seed)
    chosen = training.copy()
    chosen[training] = drawn
    return chosen


def _fewer(request: FinetuneRequest, labels: Photographs) -> dict[str, int]:
    """The items of which fewer photographs were drawn than asked for, with how many."""
    if request.labels is None:
        return {}
    counts = np.bincount(labels.items, minlength=len(request.data.items)).tolist()
    return {item: count for item, count in zip(request.data.items, counts, strict=True) if count < request.labels}


def _on_list(request: FinetuneRequest, target: Photographs) -> BoolArray:
    wanted = set(request.listed_files or ())
    return np.array([file in wanted for file in target.files], dtype=np.bool_)


def _twins_of(photographs: Photographs, chosen: BoolArray) -> BoolArray:
    """Which of the photographs (n,) are among the chosen (n,), by their bytes."""
    digests = {photographs.digests[place] for place in np.flatnonzero(chosen)}
    return np.array([digest in digests for digest in photographs.digests], dtype=np.bool_)


def _for_validation(request: FinetuneRequest, labels: Photographs) -> BoolArray:
    """Which of the labelled photographs (n,) early stopping is to look at instead of learning from them."""
    if request.refinements.patience is None:
        return np.zeros(len(labels), dtype=np.bool_)
    kept = choose_held_out(labels.items, labels.digests, fraction=VALIDATION, seed=request.options.seed)
    if not kept.any():
        raise Failed("--patience", "no item has a second label to look at", "ask for more --labels, or leave it out")
    return kept
