"""Compute what `report` and `figures` show."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from office31_cli.data.data_set import DataSet
from office31_cli.data.photographs import Photographs
from office31_cli.history import HELD_OUT, LOSS, VALIDATION, VALIDATOR, finite_or_nan, parse_key
from office31_cli.metrics.calibration import Bin
from office31_cli.metrics.significance import mcnemar_test
from office31_cli.observer import Observer, WithoutRepeats
from office31_cli.recipes.models.rows import get_nested
from office31_cli.recipes.report.family import build_family, trace_lines
from office31_cli.recipes.report.galleries import build_galleries
from office31_cli.recipes.report.points import build_embedding, sample_photographs
from office31_cli.recipes.report.provenance import describe_repetition
from office31_cli.recipes.report.report import Report
from office31_cli.recipes.report.results import (
    Curves,
    ItemRow,
    PairedTest,
    Reliability,
    View,
)
from office31_cli.registry import Entry
from office31_cli.workflow import seen_labels
from office31_cli.workflow.evaluation import score_predictions
from office31_cli.workflow.predictions import DomainPredictions, Predictor

_ACCURACIES = {(HELD_OUT, "item"): "the held-out set", (VALIDATION, "accuracy"): "the validation set"}
"""The measurements of a card's history that are accuracies of the item, with what they are measured on.

What --tensorboard records of other outputs need not be an accuracy.
"""


@dataclass(frozen=True)
class ReportRequest:
    """Which photographs a report is about, and how it is computed."""

    data: DataSet
    domain: str
    part: str | None
    embedding: str
    device: str
    skip_bad: bool


def gather_report(
    entry: Entry, other: Entry | None, request: ReportRequest, *, compared: bool, alone: str, observer: Observer
) -> Report:
    """Compute all that a report shows of a model, beside another if there is one."""
    observer = WithoutRepeats(observer)  # the same photographs are opened for each of the models
    source = _choose_source(entry, request)
    this = _build_view(entry, request, None, source, observer)
    that = None if other is None else _build_view(other, request, this.target, source, observer)
    mine, *theirs = trace_lines(entry.id, *([other.id] if other else []))
    commands, notes = describe_repetition(mine)
    with observer.track("embedding", 1):
        related = any(line[0].id == mine[0].id for line in theirs)
        embedding = build_embedding(this, that, request.embedding, related=related)
    return Report(
        this=this,
        other=that,
        compared=compared,
        alone=alone,
        data=request.data.name,
        items=entry.card.items,
        split=f"{request.domain}:{this.target.part}",
        paired=None if that is None else _test_pairs(this, that),
        curves=_read_curves(entry, request.domain),
        per_item=_build_item_rows(this, that),
        confusion=np.array(this.scored.confusion["counts"]) if this.scored and this.scored.confusion else None,
        embedding=embedding,
        reliability=[row for view in (that, this) if view for row in _build_reliability(view)],
        galleries=build_galleries(this, that),
        family=build_family(mine, *theirs),
        commands=commands,
        notes=notes,
    )


def _build_view(
    entry: Entry,
    request: ReportRequest,
    like: DomainPredictions | None,
    source: Photographs | None,
    observer: Observer,
) -> View:
    """A model's predictions for the part that was asked for, or for the photographs of `like`; and for the source."""
    how: dict[str, Any] = {"skip_bad": request.skip_bad, "observer": observer}
    part, only = (request.part, None) if like is None else (like.part, like.photographs)
    predictor = Predictor.load(entry, request.device)
    target = predictor.predict(request.data, request.domain, part, only=only, **how)
    scored = None
    if target.photographs.has_labels:
        scored = score_predictions(entry, request.data, target, confusion=True)
    listed = request.data.listings[request.domain].labels
    labels = tuple(listed[row] for row in target.photographs.rows.tolist())
    seen = None if source is None else predictor.predict(request.data, source.domain, "train", only=source, **how)
    return View(entry, target, labels, seen, scored)


def _choose_source(entry: Entry, request: ReportRequest) -> Photographs | None:
    """A sample of photographs whose labels a model has seen: of another domain, if there is one."""
    seen = seen_labels.load_seen_labels(entry)
    for domain in sorted(seen, key=lambda domain: (domain == request.domain, -len(seen[domain]))):
        if domain in request.data.labelled_domains:
            photographs = request.data.photographs(domain)
            if (mask := seen_labels.find_seen(photographs, seen)).any():
                known = photographs.subset(mask)
                return known.subset(sample_photographs(known))
    return None


def _test_pairs(this: View, that: View) -> PairedTest | None:
    """McNemar's test of the photographs, of items that both know, that only one of the two classifies correctly.

    None without labels.
    """
    if this.right is None or that.right is None:
        return None
    only_this, only_that = int((this.right & that.wrong).sum()), int((that.right & this.wrong).sum())
    return PairedTest(only_this, only_that, mcnemar_test(only_this, only_that))


def _read_curves(entry: Entry, domain: str) -> Curves:
    """The curves of the card's history, which another version may have written."""
    history, metrics = entry.card.history, entry.card.metrics
    keys = dict.fromkeys(key for row in history for key in row)
    noted = {parse_key(key): [finite_or_nan(row.get(key)) for row in history] for key in keys}
    losses, validators = (
        {name: values for (group, name), values in noted.items() if group == wanted} for wanted in (LOSS, VALIDATOR)
    )
    accuracies = {where: noted[key] for key, where in _ACCURACIES.items() if key in noted}
    if measured := get_nested(metrics, list, "accuracies"):
        accuracies[str(entry.card.configuration.get("target", domain))] = [*map(finite_or_nan, measured)]
    judge = get_nested(metrics, str, "scores", "selected", "validator")
    picked = get_nested(metrics, int, "scores", "selected", "epoch")
    return Curves(losses, validators, accuracies, judge, picked)


def _build_item_rows(this: View, that: View | None) -> list[ItemRow]:
    """Each item's accuracy by both models, the worst first; none without labels."""
    if this.scored is None:
        return []
    others = that.scored.per_item if that and that.scored else {}
    rows = [
        ItemRow(item, row["photographs"], row["accuracy"], others.get(item, {}).get("accuracy"))
        for item, row in this.scored.per_item.items()
    ]
    return sorted(rows, key=lambda row: (row.accuracy, row.item))


def _build_reliability(view: View) -> list[Reliability]:
    """A model's reliability as it is, and at its temperature if one was fitted; none without labels."""
    if view.scored is None:
        return []
    scores, name = view.scored.calibration, view.entry.name
    bins = [Bin(**row) for row in scores["reliability"]]
    before = Reliability(name, bins, scores["ece_before"], temperature=None, fitted_on=None, own=0)
    if scores["temperature"] is None:
        return [before]
    after = Reliability(
        name,
        [Bin(**row) for row in scores["reliability_after"]],
        scores["ece_after"],
        temperature=scores["temperature"],
        fitted_on=scores["fitted_on"],
        own=scores["own"],
    )
    return [before, after]
