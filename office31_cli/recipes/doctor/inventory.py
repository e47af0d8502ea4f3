"""What a data set holds: counted without decoding a picture, or inspected with the domains open."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from office31_cli.data.data_set import DataSet
from office31_cli.data.duplicates import find_identical, find_near_duplicates, hash_pictures
from office31_cli.data.photographs import UNLABELLED, Photographs
from office31_cli.metrics.label_issues import ISSUE_MARGIN, label_issue_margins
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.doctor.results import FOLDS, DataInventory, DomainInventory, LabelIssue

if TYPE_CHECKING:
    from office31_cli.recipes.doctor.probe import Probe
    from office31_cli.workflow.domains import Domain


def count_photographs(data: DataSet) -> DataInventory:
    """Every domain's photographs, by item where it has labels, and which of them are the same byte for byte."""
    parts = [data.photographs(name) for name in data.domains]
    return DataInventory(
        dataset=data.name,
        root=str(data.root),
        items=len(data.items),
        domains={part.domain: _count_domain(data, part) for part in parts},
        identical=find_identical(parts),
        near=None,
    )


def count_by_item(data: DataSet, photographs: Photographs) -> dict[str, int]:
    """How many of the labelled photographs show each item, in the items' order."""
    counts = np.bincount(photographs.known().items, minlength=len(data.items)).tolist()
    return dict(zip(data.items, counts, strict=True))


def _count_domain(data: DataSet, part: Photographs) -> DomainInventory:
    return DomainInventory(
        photographs=len(part),
        labelled=_count_labelled(part),
        **_describe_items(data, part, observed=True),
        unreadable=None,
        doubts=None,
    )


def _count_labelled(photographs: Photographs) -> int:
    return int((photographs.items != UNLABELLED).sum())


def _read_labels(data: DataSet, photographs: Photographs) -> list[str | None]:
    """The item that each photograph is labelled with, whether or not the data set numbers it."""
    listing = data.listings[photographs.domain]
    return [listing.labels[row] for row in photographs.rows.tolist()]


def _describe_items(data: DataSet, photographs: Photographs, *, observed: bool) -> dict[str, Any]:
    """Which items the photographs show: all None where labels are absent or not to be looked at."""
    if not observed or not _count_labelled(photographs):
        return dict.fromkeys(("items", "missing", "unknown"))
    items, labels = count_by_item(data, photographs), _read_labels(data, photographs)
    others = Counter(label for label in labels if label is not None and label not in items)
    return {
        "items": items,
        "missing": [item for item, count in items.items() if not count],
        "unknown": dict(sorted(others.items())),
    }


def inspect_data(probe: "Probe", judged: Mapping[str, FloatArray], observed: Collection[str]) -> DataInventory:
    """What the opened domains hold; labels are looked at in those `observed`, by what heads `judged` of them (n, K)."""
    readable = [domain.photographs for domain in probe.domains.values()]
    hashes = [hash_pictures(domain.pixels, domain.photographs.rows) for domain in probe.domains.values()]
    return DataInventory(
        dataset=probe.data.name,
        root=str(probe.data.root),
        items=len(probe.data.items),
        domains={
            name: _inspect_domain(probe.data, domain, judged.get(name), name in observed)
            for name, domain in probe.domains.items()
        },
        identical=find_identical(readable),
        near=find_near_duplicates(readable, hashes),
    )


def _inspect_domain(data: DataSet, domain: "Domain", judged: "FloatArray | None", observed: bool) -> DomainInventory:
    kept = domain.photographs
    good = set(kept.files)
    return DomainInventory(
        photographs=len(domain.whole),
        labelled=_count_labelled(domain.whole),
        **_describe_items(data, kept, observed=observed),
        unreadable=[file for file in domain.whole.files if file not in good],
        doubts=None if judged is None else _find_label_issues(data, kept.known(), judged),
    )


def _find_label_issues(data: DataSet, photographs: Photographs, judged: FloatArray) -> list[LabelIssue]:
    """Label issues, the most likely first; items with too few different photographs for all folds have none."""
    margins = label_issue_margins(judged, photographs.items)
    contents = {
        item: len({photographs.digests[n] for n in np.flatnonzero(photographs.items == item)})
        for item in np.unique(photographs.items).tolist()
    }
    return [
        LabelIssue(
            file=photographs.files[place],
            item=data.items[photographs.items[place]],
            likelier=data.items[judged[place].argmax()],
            margin=float(margins[place]),
        )
        for place in np.argsort(-margins, kind="stable").tolist()
        if margins[place] >= ISSUE_MARGIN and contents[int(photographs.items[place])] >= FOLDS
    ]
