"""What is said before a training about items that have few labelled photographs, or a single one."""

from collections import Counter
from collections.abc import Iterable
from itertools import zip_longest

from office31_cli.data.data_set import DataSet
from office31_cli.data.parts import TRAIN
from office31_cli.observer import Observer
from office31_cli.text import join_names, pluralize, printable
from office31_cli.workflow.request import Request

_FEW = 5
"""An item with fewer labelled photographs than this is rare."""

_RARE = 50
"""So is one with the commonest item's number of photographs divided by this, or fewer."""


def warn_of_rare_items(request: Request, observer: Observer) -> None:
    """Warn of items with few labelled photographs, unless class weights are chosen already."""
    counts = _count_labels(request.data, request.domains)
    if not counts or request.options.class_weights != "none":
        return
    (commonest, most), *_ = counts.most_common()
    rare = [item for item, count in counts.items() if count < _FEW or _RARE * count <= most]
    if not rare:
        return
    rare.sort(key=lambda item: (counts[item], item))
    names = join_names((f"{printable(item)} ({counts[item]:,})" for item in rare), 3)
    message = f"few labelled photographs of {pluralize(len(rare), 'item')}: {names}"
    if most > min(counts.values()):
        message += (
            f", beside {most:,} of {printable(commonest)}; "
            "--class-weights balanced gives every item the same weight in the loss"
        )
    observer.warn(message)


def report_single_photographs(request: Request, domains: Iterable[str], observer: Observer) -> None:
    """Say which items have a single photograph in a domain of which a share is held out: it is trained on."""
    if not request.held_out:
        return
    for domain in domains:
        if request.data.listings[domain].is_divided:
            continue
        counts = _count_labels(request.data, [domain])
        if single := sorted(item for item, count in counts.items() if count == 1):
            names = printable(join_names(single, 3))
            observer.say(
                f"{printable(domain)}: items with a single labelled photograph are trained on and not held out: {names}"
            )


def _count_labels(data: DataSet, domains: Iterable[str]) -> Counter[str]:
    """By item the number of photographs that are labelled with it, without those in a part to validate or to test."""
    known = set(data.items)
    listings = [data.listings[domain] for domain in domains]
    return Counter(
        label
        for listing in listings
        for label, part in zip_longest(listing.labels, listing.parts)
        if label in known and part in (None, TRAIN)
    )
