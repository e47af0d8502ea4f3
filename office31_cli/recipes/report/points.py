"""The photographs of a report as points on a plane: what each model's last layer sees in source and target."""

import numpy as np

from office31_cli.data.photographs import BoolArray, Photographs
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.report.embedding import FEWEST, embed, normalize
from office31_cli.recipes.report.results import DomainPoints, Embedding, ModelEmbedding, View
from office31_cli.workflow.predictions import DomainPredictions

MOST_POINTS = 600
"""Photographs of a domain that an embedding shows; more would hide each other."""


def sample_photographs(photographs: Photographs) -> BoolArray:
    """Which photographs (n,) an embedding shows: `MOST_POINTS` by the order of their hashes, the same every time."""
    chosen = np.zeros(len(photographs), dtype=np.bool_)
    chosen[np.argsort(np.array(photographs.digests), kind="stable")[:MOST_POINTS]] = True
    return chosen


def build_embedding(this: View, other: View | None, kind: str, *, related: bool) -> Embedding | None:
    """The points of one model or two; None where there are fewer than `FEWEST` photographs.

    Models that are `related`, as one was made from the other, share one plane: their features mean the same.
    """
    views = [other, this] if other else [this]
    samples = [_sample(view) for view in views]
    parts = [[predictions.features[mask] for predictions, mask in sample] for sample in samples]
    if min(sum(map(len, part)) for part in parts) < FEWEST:
        return None
    shared = related and len({part[0].shape[1] for part in parts}) == 1
    if shared:
        planes = iter(embed(kind, [rows for part in parts for rows in part]))
    else:
        planes = iter([plane for part in parts for plane in embed(kind, part)])
    panels = []
    for view, sample in zip(views, samples, strict=True):
        target, *source = [_build_points(predictions, mask, next(planes)) for predictions, mask in sample]
        near = _measure_neighbours(sample)
        panels.append(ModelEmbedding(view.entry.name, target, source[0] if source else None, near))
    return Embedding(kind, shared, tuple(panels))


Sample = list[tuple[DomainPredictions, BoolArray]]
"""The target's predictions, then the source's if there are any, with a mask of the photographs that are shown."""


def _sample(view: View) -> Sample:
    both = [view.target] if view.source is None else [view.target, view.source]
    return [(predictions, sample_photographs(predictions.photographs)) for predictions in both]


def _measure_neighbours(sample: Sample) -> float | None:
    """The share of the target's photographs whose nearest one of the source shows the same item; None if unknown."""
    if len(sample) < 2 or not all(predictions.photographs.has_labels for predictions, _ in sample):
        return None
    (target, targets), (source, sources) = ((each, mask & each.photographs.is_known) for each, mask in sample)
    near = (normalize(target.features[targets]) @ normalize(source.features[sources]).T).argmax(1)
    return float((source.items[sources][near] == target.items[targets]).mean())


def _build_points(predictions: DomainPredictions, mask: BoolArray, points: FloatArray) -> DomainPoints:
    domain = predictions.photographs.domain
    if not predictions.photographs.has_labels:
        return DomainPoints(domain, points, None, None)
    items = predictions.items[mask]
    return DomainPoints(domain, points, items, predictions.predicted[mask] == items)
