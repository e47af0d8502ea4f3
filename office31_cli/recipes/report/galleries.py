"""Photographs worth a look: where a model errs, where it is unsure, and what it no longer classifies correctly."""

from collections import Counter

import numpy as np

from office31_cli.data.photographs import BoolArray
from office31_cli.data.pixels import encode_thumbnail
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.report.results import Gallery, Picture, View

MOST_PICTURES, MOST_ALIKE = 12, 2
"""Pictures in a gallery, and those of one item with the same prediction: ten of one projector say no more than two."""

THUMBNAIL = 160
"""Pixels of a thumbnail's longer side."""


def build_galleries(this: View, other: View | None) -> list[Gallery]:
    """The most confident mistakes, the least confident predictions, what only the other model classifies correctly, and
    photographs of items that this one does not know.
    """
    confidences = this.target.probabilities.max(1)
    everything = np.ones(len(confidences), dtype=np.bool_)
    least = "Classified with the least confidence, correctly or not."
    unsure = _build_gallery(this, "Least sure", least, everything, confidences)
    if this.right is None:
        return [unsure]
    most = "Classified wrongly, with the greatest confidence."
    galleries = [_build_gallery(this, "Most confident mistakes", most, this.wrong, -confidences), unsure]
    if other is not None and other.right is not None:
        lost = f"Classified correctly by {other.entry.name}, and wrongly by this model."
        galleries.append(_build_gallery(this, "Lost to the other", lost, other.right & this.wrong, -confidences))
    if this.unknown:
        unknown = "None of the model's items, with the greatest confidence."
        among = this.target.photographs.is_unknown
        galleries.append(_build_gallery(this, "Unknown to the model", unknown, among, -confidences))
    return galleries


def _build_gallery(this: View, title: str, meaning: str, among: BoolArray, rank: FloatArray) -> Gallery:
    """The photographs `among` (n,) that come first by `rank` (n,)."""
    places = np.flatnonzero(among)
    ordered = places[np.argsort(rank[places], kind="stable")].tolist()
    return Gallery(title, meaning, [_build_picture(this, place) for place in _choose_varied(ordered, this)])


def _choose_varied(places: list[int], this: View) -> list[int]:
    """The first places, with at most `MOST_ALIKE` of the same item and prediction."""
    items = this.target.items if this.scored else np.zeros(len(this.target.photographs), dtype=np.int64)
    kinds: Counter[tuple[int, int]] = Counter()
    chosen = []
    for place in places:
        kind = (int(items[place]), int(this.target.predicted[place]))
        kinds[kind] += 1
        if kinds[kind] <= MOST_ALIKE:
            chosen.append(place)
    return chosen[:MOST_PICTURES]


def _build_picture(this: View, place: int) -> Picture:
    photographs, names = this.target.photographs, this.entry.card.items
    file = photographs.files[place]
    return Picture(
        file=f"{photographs.domain}/{file}",
        image=encode_thumbnail(photographs.root / file, THUMBNAIL),
        actual=this.labels[place],
        predicted=names[this.target.predicted[place]],
        confidence=float(this.target.probabilities[place].max()),
    )
