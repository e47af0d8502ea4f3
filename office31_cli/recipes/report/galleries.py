"""Photographs worth a look: where a model errs, where it hesitates, and what it has unlearnt."""

from collections import Counter

import numpy as np

from office31_cli.data.photographs import BoolArray
from office31_cli.data.pixels import encode_thumbnail
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.report.results import Gallery, Picture, View

MOST_PICTURES, MOST_ALIKE = 12, 2
"""In a gallery, and of one item with the same answer: ten views of one projector tell no more than two."""

THUMBNAIL = 160
"""Pixels of a thumbnail's longer side."""


def galleries(this: View, other: View | None) -> list[Gallery]:
    """Mistakes that it is surest of, photographs that it is least sure of, and what the other model alone names."""
    sure = this.target.probabilities.max(1)
    made = [
        _gallery(
            this,
            "Least sure",
            "Named with the least confidence, whatever they show.",
            np.ones(len(sure), dtype=np.bool_),
            sure,
        )
    ]
    if this.right is not None:
        told = "Named wrongly, and with the greatest confidence."
        made.insert(0, _gallery(this, "Most confident mistakes", told, ~this.right, -sure))
        if other is not None and other.right is not None:
            told = f"Named rightly by {other.entry.name}, and wrongly by this model."
            made.append(_gallery(this, "Lost to the other", told, other.right & ~this.right, -sure))
    return made


def _gallery(this: View, title: str, meaning: str, among: BoolArray, rank: FloatArray) -> Gallery:
    """The photographs `among` (n,) that come first by `rank` (n,)."""
    places = np.flatnonzero(among)
    ordered = places[np.argsort(rank[places], kind="stable")].tolist()
    return Gallery(title, meaning, [_picture(this, place) for place in _varied(ordered, this)])


def _varied(places: list[int], this: View) -> list[int]:
    """The first places, of photographs that are not all alike."""
    items = this.target.items if this.scored else np.zeros(len(this.target.photographs), dtype=np.int64)
    kinds: Counter[tuple[int, int]] = Counter()
    chosen = []
    for place in places:
        kind = (int(items[place]), int(this.target.predicted[place]))
        kinds[kind] += 1
        if kinds[kind] <= MOST_ALIKE:
            chosen.append(place)
    return chosen[:MOST_PICTURES]


def _picture(this: View, place: int) -> Picture:
    photographs, names = this.target.photographs, this.entry.card.items
    file = photographs.files[place]
    return Picture(
        file=f"{photographs.domain}/{file}",
        image=encode_thumbnail(photographs.root / file, THUMBNAIL),
        actual=names[this.target.items[place]] if photographs.has_labels else None,
        predicted=names[this.target.predicted[place]],
        confidence=float(this.target.probabilities[place].max()),
    )
