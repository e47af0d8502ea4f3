"""The computing half of `report` and `figures`."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from office31_cli.data.folder import DataSet
from office31_cli.data.photographs import BoolArray, Photographs
from office31_cli.history import HELD_OUT, LOSS, VALIDATION, VALIDATOR, finite_or_nan, parse_key
from office31_cli.metrics.calibration import Bin
from office31_cli.metrics.significance import mcnemar_test
from office31_cli.observer import Observer
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.evaluate import score_predictions
from office31_cli.recipes.models.rows import inside
from office31_cli.recipes.report import provenance
from office31_cli.recipes.report.document import Report
from office31_cli.recipes.report.embedding import FEWEST, embed, normalize
from office31_cli.recipes.report.galleries import galleries
from office31_cli.recipes.report.provenance import family, lines
from office31_cli.recipes.report.results import (
    Curves,
    DomainPoints,
    Embedding,
    ItemRow,
    ModelEmbedding,
    PairedTest,
    Reliability,
    View,
)
from office31_cli.registry import Entry
from office31_cli.registry.lineage import Node
from office31_cli.workflow import seen_labels
from office31_cli.workflow.predictions import DomainPredictions, Predictor

MOST_POINTS = 600
"""Photographs of a domain that an embedding shows; more would hide each other."""

_ACCURACIES = {(HELD_OUT, "item"): "what was held out", (VALIDATION, "accuracy"): "labels kept back"}
"""Of what a card's history measured beside losses, what is the share of items named rightly, and of what it is.

What --tensorboard notes of other outputs need not be a share.
"""


@dataclass(frozen=True)
class ReportRequest:
    """What to look at, and how."""

    data: DataSet
    domain: str
    part: str | None
    embedding: str
    device: str
    skip_bad: bool


def gather_report(
    entry: Entry, other: Entry | None, asked: ReportRequest, *, compared: bool, alone: str, observer: Observer
) -> Report:
    """All that is to be shown of a model beside another: see `report`."""
    known = _learnt(entry, asked)
    this = _view(entry, asked, None, known, observer)
    that = None if other is None else _view(other, asked, this.target, known, observer)
    mine, *theirs = lines(entry.id, *([other.id] if other else []))
    commands, notes = _repeated(mine)
    with observer.track("embedding", 1):
        embedding = _embedding(this, that, asked.embedding, any(line[0].id == mine[0].id for line in theirs))
    return Report(
        this=this,
        other=that,
        compared=compared,
        alone=alone,
        data=asked.data.name,
        items=entry.card.items,
        split=f"{asked.domain}:{this.target.part}",
        paired=None if that is None else _paired(this, that),
        curves=_curves(entry, asked.domain),
        per_item=_per_item(this, that),
        confusion=np.array(this.scored.confusion["counts"]) if this.scored and this.scored.confusion else None,
        embedding=embedding,
        reliability=[row for view in (that, this) if view for row in _reliability(view)],
        galleries=galleries(this, that),
        family=family(mine, *theirs),
        commands=commands,
        notes=notes,
    )


def _view(
    entry: Entry, asked: ReportRequest, like: DomainPredictions | None, known: Photographs | None, observer: Observer
) -> View:
    """What a model makes of the part that was asked for, or of the photographs of others' answers, and of `known`."""
    how: dict[str, Any] = {"skip_bad": asked.skip_bad, "observer": observer}
    part, only = (asked.part, None) if like is None else (like.part, like.photographs)
    predictor = Predictor.load(entry, asked.device)
    target = predictor.predict(asked.data, asked.domain, part, only=only, **how)
    source = None if known is None else predictor.predict(asked.data, known.domain, "train", only=known, **how)
    known_labels = target.photographs.has_labels
    return View(
        entry, target, source, score_predictions(entry, asked.data, target, confusion=True) if known_labels else None
    )


def _learnt(entry: Entry, asked: ReportRequest) -> Photographs | None:
    """Some of the photographs that a model has learnt from: of another domain, if there is one."""
    seen = seen_labels.load_seen_labels(entry)
    for domain in sorted(seen, key=lambda domain: (domain == asked.domain, -len(seen[domain]))):
        if domain in asked.data.labelled_domains:
            photographs = asked.data.photographs(domain)
            if (mask := seen_labels.find_seen(photographs, seen)).any():
                learnt = photographs.subset(mask)
                return learnt.subset(_drawn(learnt))
    return None


def _drawn(photographs: Photographs) -> BoolArray:
    """Which (n,) an embedding shows, the same every time: the order of their hashes is as good as chance."""
    drawn = np.zeros(len(photographs), dtype=np.bool_)
    drawn[np.argsort(np.array(photographs.digests), kind="stable")[:MOST_POINTS]] = True
    return drawn


def _paired(this: View, that: View) -> PairedTest | None:
    if this.right is None or that.right is None:
        return None
    only_this, only_that = int((this.right & ~that.right).sum()), int((that.right & ~this.right).sum())
    return PairedTest(only_this, only_that, mcnemar_test(only_this, only_that))


def _curves(entry: Entry, domain: str) -> Curves:
    """What the card, which may be from elsewhere, noted after each epoch."""
    history, metrics = entry.card.history, entry.card.metrics
    keys = dict.fromkeys(key for row in history for key in row)
    noted = {parse_key(key): [finite_or_nan(row.get(key)) for row in history] for key in keys}
    losses, validators = (
        {name: values for (group, name), values in noted.items() if group == wanted} for wanted in (LOSS, VALIDATOR)
    )
    accuracies = {told: noted[key] for key, told in _ACCURACIES.items() if key in noted}
    if measured := inside(metrics, list, "accuracies"):
        accuracies[str(entry.card.configuration.get("target", domain))] = [*map(finite_or_nan, measured)]
    judge = inside(metrics, str, "scores", "selected", "validator")
    picked = inside(metrics, int, "scores", "selected", "epoch")
    return Curves(losses, validators, accuracies, judge, picked)


def _per_item(this: View, that: View | None) -> list[ItemRow]:
    if this.scored is None:
        return []
    others = that.scored.per_item if that and that.scored else {}
    rows = [
        ItemRow(item, row["photographs"], row["accuracy"], others.get(item, {}).get("accuracy"))
        for item, row in this.scored.per_item.items()
    ]
    return sorted(rows, key=lambda row: (row.accuracy, row.item))


def _embedding(this: View, that: View | None, kind: str, related: bool) -> Embedding | None:
    """On one plane where one network went on from what the other did, so that its features mean the same."""
    views = [that, this] if that else [this]
    shown = [_shown(view) for view in views]
    parts = [[answers.features[mask] for answers, mask in view] for view in shown]
    if min(sum(map(len, part)) for part in parts) < FEWEST:
        return None
    shared = related and len({part[0].shape[1] for part in parts}) == 1
    if shared:
        planes = iter(embed(kind, [rows for part in parts for rows in part]))
    else:
        planes = iter([plane for part in parts for plane in embed(kind, part)])
    panels = []
    for view, chosen in zip(views, shown, strict=True):
        target, *source = [_cloud(answers, mask, next(planes)) for answers, mask in chosen]
        panels.append(ModelEmbedding(view.entry.name, target, source[0] if source else None, _neighbours(chosen)))
    return Embedding(kind, shared, tuple(panels))


def _shown(view: View) -> list[tuple[DomainPredictions, BoolArray]]:
    """The target's answers and the source's, if there are any, with those whose photographs are shown."""
    shown = [(view.target, _drawn(view.target.photographs))]
    return shown if view.source is None else [*shown, (view.source, _drawn(view.source.photographs))]


def _neighbours(shown: list[tuple[DomainPredictions, BoolArray]]) -> float | None:
    if len(shown) < 2 or not all(answers.photographs.has_labels for answers, _ in shown):
        return None
    (target, targets), (source, sources) = shown
    near = (normalize(target.features[targets]) @ normalize(source.features[sources]).T).argmax(1)
    return float((source.items[sources][near] == target.items[targets]).mean())


def _cloud(answers: DomainPredictions, mask: BoolArray, points: FloatArray) -> DomainPoints:
    domain = answers.photographs.domain
    if not answers.photographs.has_labels:
        return DomainPoints(domain, points, None, None)
    items = answers.items[mask]
    return DomainPoints(domain, points, items, answers.predicted[mask] == items)


def _reliability(view: View) -> list[Reliability]:
    """As the network has it, and at its temperature if one was fitted."""
    if view.scored is None:
        return []
    found, name = view.scored.calibration, view.entry.name
    plain = Reliability(name, _bins(found["reliability"]), found["ece_before"], None, None, 0)
    if found["temperature"] is None:
        return [plain]
    after = (
        _bins(found["reliability_after"]),
        found["ece_after"],
        found["temperature"],
        found["fitted_on"],
        found["own"],
    )
    return [plain, Reliability(name, *after)]


def _bins(rows: list[dict[str, Any]]) -> list[Bin]:
    return [Bin(**row) for row in rows]


def _repeated(line: list[Node]) -> tuple[list[list[str]], list[str]]:
    """The commands that make the model again, and what they need; none where a card does not tell enough."""
    chain = [(node.entry.name if node.entry else node.id, node.card) for node in line]
    try:
        told = [(name, card) for name, card in chain if card is not None]
        return provenance.repeat(told) if len(told) == len(chain) else ([], [])
    except (KeyError, TypeError, ValueError, AttributeError):
        return [], []
