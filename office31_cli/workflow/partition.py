"""How labelled photographs are divided into training, validation and held-out sets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from office31_cli.data.parts import TRAIN
from office31_cli.data.parts import VALIDATION as VALIDATION_PART
from office31_cli.data.photographs import BoolArray, Photographs
from office31_cli.data.splits import choose_few_labelled, choose_held_out
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import Observer
from office31_cli.text import join_names, pluralize, printable
from office31_cli.workflow import seen_labels
from office31_cli.workflow.domains import Domain
from office31_cli.workflow.finetune_request import FinetuneRequest
from office31_cli.workflow.request import Request
from office31_cli.workflow.seen_labels import SeenLabels

VALIDATION = 0.2
"""The validation set's share of the labels for early stopping, of each item that has two or more."""


@dataclass(frozen=True, eq=False)
class Partition:
    """The training and the held-out set, by domain, and all labels that the network will have seen."""

    train: list[Photographs]
    held_out: list[Photographs]
    seen: SeenLabels


@dataclass(frozen=True, eq=False)
class FewShotPartition(Partition):
    """The target comes first, then the domains of the source that are trained on again."""

    target: Photographs
    """All photographs of the target."""
    validation: Photographs
    """The target's labelled photographs for early stopping; none without it."""
    unlabelled: Photographs
    """The target's photographs whose labels are not used, the held-out set included."""
    fewer: dict[str, int]
    """The items with fewer photographs than labels were asked for, with their numbers."""


def divide(request: Request, domains: list[Domain]) -> Partition:
    """Hold out a share of each domain and train on the rest; raises `Failed` where no photographs are left for that.

    Of a domain that comes in parts, they are kept: see `Photographs.to_score`.
    """
    parts = [domain.photographs.known() for domain in domains]
    held_out = [_choose_held_out(request, part) for part in parts]
    train = [part.subset(part.in_part(TRAIN) & ~mask) for part, mask in zip(parts, held_out, strict=True)]
    if parts:
        _check_some(train)
    seen = _merge_seen(request, train)
    return Partition(train, _drop_seen(parts, held_out, seen), seen)


def divide_few_shot(request: FinetuneRequest, domains: list[Domain], observer: Observer) -> FewShotPartition:
    """Hold out a share of the target; train on the rest or on few labels of it, and on all of the source.

    The held-out set is the same whatever the number of labels; of a target that comes in parts, they are kept. Raises
    `Misuse` where a list of photographs to train on names one of it, and `Failed` where none are left to train on.
    """
    target, *source = (domain.photographs for domain in domains)
    source = [part.subset(part.is_known & part.in_part(TRAIN)) for part in source]
    held_out = _choose_held_out(request, target)
    chosen = _choose_labelled(request, target, held_out)
    labelled = target.subset(chosen)
    validation_part = _find_validation_part(request, target, chosen | held_out)
    in_validation = _choose_validation(request, labelled, drawn=not validation_part.any())
    fewer = _count_fewer(request, labelled)
    if fewer:
        names = join_names(f"{printable(item)} ({count})" for item, count in fewer.items())
        observer.warn(f"fewer than {request.labels} labels: {names}")
    validation = target.subset(validation_part) if validation_part.any() else labelled.subset(in_validation)
    validated = seen_labels.record_photographs([validation])
    train = [
        labelled.subset(~in_validation),
        *(part.subset(~seen_labels.find_seen(part, validated)) for part in source),
    ]
    _check_some(train[:1])
    seen = _merge_seen(request, [*train, validation])
    nothing = [part.subset(np.zeros(len(part), dtype=np.bool_)) for part in source]
    return FewShotPartition(
        train=train,
        held_out=[*_drop_seen([target], [held_out], seen), *nothing],
        seen=seen,
        target=target,
        validation=validation,
        unlabelled=target.subset(~(chosen | validation_part)),
        fewer=fewer,
    )


def _check_some(train: Sequence[Photographs]) -> None:
    if not any(map(len, train)):
        raise Failed(
            "training",
            "no labelled photographs are left to train on",
            "use a smaller --held-out, or other photographs",
        )


def _merge_seen(request: Request, parts: Sequence[Photographs]) -> SeenLabels:
    """The labels that the parent has seen, and those of the parts."""
    before = seen_labels.load_seen_labels(request.parent) if request.parent else {}
    now: SeenLabels = {}
    for part in parts:
        now = seen_labels.merge(now, seen_labels.record_photographs([part]))
    return seen_labels.merge(before, now)


def _drop_seen(parts: Sequence[Photographs], held_out: Sequence[BoolArray], seen: SeenLabels) -> list[Photographs]:
    """The held-out photographs of each part, without those of which the network has seen an identical copy."""
    unseen = [mask & ~seen_labels.find_seen(part, seen) for part, mask in zip(parts, held_out, strict=True)]
    return [part.subset(mask) for part, mask in zip(parts, unseen, strict=True)]


def _choose_held_out(request: Request, photographs: Photographs) -> BoolArray:
    """Which of a domain's photographs (n,) are held out; only those that are labelled with a known item can be.

    They are the part that is to be scored, where the domain has one; else they are drawn.
    """
    if (to_score := photographs.to_score) is not None:
        return to_score & photographs.is_known
    chosen = np.zeros(len(photographs), dtype=np.bool_)
    if request.held_out:
        candidates = photographs.is_known & photographs.in_part(TRAIN)
        known = photographs.subset(candidates)
        fraction, seed = request.held_out, request.options.seed
        chosen[candidates] = choose_held_out(known.items, known.digests, fraction=fraction, seed=seed)
    return chosen


def _find_validation_part(request: FinetuneRequest, target: Photographs, taken: BoolArray) -> BoolArray:
    """Which of the target's photographs (n,) are in its part for validation, where there is early stopping."""
    mask: BoolArray = target.in_part(VALIDATION_PART) & target.is_known & ~taken
    return mask if request.refinements.patience is not None else np.zeros_like(mask)


def _choose_labelled(request: FinetuneRequest, target: Photographs, held_out: BoolArray) -> BoolArray:
    """Which of the target's photographs (n,) are used with their labels: those listed, a few an item, or all."""
    if request.listed_files is not None and request.listed_items is None:
        return _find_listed(request.listed_files, target, held_out)
    chosen: BoolArray = target.is_known & ~held_out
    chosen &= target.in_part(TRAIN) if request.listed_files is None else _find_files(request.listed_files, target)
    if request.labels is None:
        return chosen
    part = target.subset(chosen)
    chosen[chosen] = choose_few_labelled(part.items, part.digests, per_item=request.labels, seed=request.options.seed)
    return chosen


def _find_listed(files: Sequence[str], target: Photographs, held_out: BoolArray) -> BoolArray:
    """Which of the target's photographs (n,) are listed; raises `Misuse` where one, or a copy of it, is held out."""
    listed = _find_files(files, target)
    if without := [target.files[place] for place in np.flatnonzero(listed & ~target.is_known)]:
        raise Misuse(
            "--labels-from",
            f"{printable(without[0])} has no label, or one that the model does not know "
            f"({pluralize(len(without), 'photograph')} in all)",
            "leave them out; for items that the model does not know there is --add-items",
        )
    digests = {target.digests[place] for place in np.flatnonzero(listed)}
    copies = np.array([digest in digests for digest in target.digests], dtype=np.bool_)
    if both := [target.files[place] for place in np.flatnonzero(copies & held_out)]:
        raise Misuse(
            "--labels-from",
            f"{printable(both[0])}, or an identical copy of it, is held out "
            f"({pluralize(len(both), 'photograph')} in all)",
            "leave them out"
            if target.to_score is not None
            else "leave them out, or use --held-out 0 and score with office31 evaluate",
        )
    return listed


def _find_files(files: Sequence[str], photographs: Photographs) -> BoolArray:
    """Which of the photographs (n,) are these files."""
    wanted = set(files)
    return np.array([file in wanted for file in photographs.files], dtype=np.bool_)


def _count_fewer(request: FinetuneRequest, labelled: Photographs) -> dict[str, int]:
    """The items with fewer labelled photographs than were asked for, with their numbers."""
    if request.labels is None:
        return {}
    counts = np.bincount(labelled.items, minlength=len(request.data.items)).tolist()
    return {item: count for item, count in zip(request.data.items, counts, strict=True) if count < request.labels}


def _choose_validation(request: FinetuneRequest, labelled: Photographs, *, drawn: bool) -> BoolArray:
    """Which of the labelled photographs (n,) are in the validation set; none without early stopping, and none where it
    is not to be `drawn`."""
    if request.refinements.patience is None or not drawn:
        return np.zeros(len(labelled), dtype=np.bool_)
    chosen = choose_held_out(labelled.items, labelled.digests, fraction=VALIDATION, seed=request.options.seed)
    if not chosen.any():
        raise Failed(
            "--patience", "no item has a second label to validate on", "ask for more --labels, or leave it out"
        )
    return chosen
