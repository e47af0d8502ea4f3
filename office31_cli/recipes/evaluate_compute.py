"""The computing half of `evaluate`."""

from dataclasses import asdict
from typing import Any

import numpy as np

from office31_cli.data.folder import DataSet
from office31_cli.metrics.accuracy import per_item, wilson_interval
from office31_cli.metrics.calibration import expected_calibration_error, reliability
from office31_cli.metrics.confusion import confusion_matrix, most_confused
from office31_cli.observer import Observer
from office31_cli.registry import Entry
from office31_cli.results import COVERAGE, Evaluated
from office31_cli.workflow import seen_labels
from office31_cli.workflow.calibration import Calibration, load_calibration
from office31_cli.workflow.predictions import Answers, answer


def score(
    entry: Entry,
    data: DataSet,
    domain: str,
    part: str | None,
    *,
    confusion: bool,
    coverage: float,
    device: str,
    skip_bad: bool,
    observer: Observer,
) -> Evaluated:
    """Score the stored network on one part of a domain: see `evaluate`."""
    answers = answer(entry, data, domain, part, device=device, skip_bad=skip_bad, observer=observer)
    return scored(entry, data, answers, coverage, confusion=confusion)


def scored(
    entry: Entry, data: DataSet, answers: Answers, coverage: float = COVERAGE, *, confusion: bool = False
) -> Evaluated:
    """What the stored network's answers about labelled photographs are worth, and if asked for its `confusion`."""
    domain = answers.photographs.domain
    return Evaluated(
        model=entry.name,
        id=entry.id,
        data=data.name,
        split=f"{domain}:{answers.part}",
        photographs=len(answers.photographs),
        labels_used=entry.card.labels_used | {domain: entry.card.labels_used.get(domain, answers.learnt)},
        seen=int(answers.seen.sum()),
        **_figures(answers, entry.card.items, confusion=confusion),
        **_confidence(answers, load_calibration(entry), coverage),
    )


def _figures(answers: Answers, items: tuple[str, ...], *, confusion: bool) -> dict[str, Any]:
    scores = answers.outputs.scores(answers.raw, answers.actual)
    predicted, labels = answers.predicted, answers.items
    matrix = confusion_matrix(predicted, labels, len(items))
    item = scores["item"]
    return {
        "accuracy": item["accuracy"],
        "ci95": wilson_interval(int((predicted == labels).sum()), len(labels)),
        "macro_accuracy": item["macro_accuracy"],
        "ece": item["ece"],
        "outputs": scores,
        "per_item": {
            row.item: {"photographs": row.photographs, "accuracy": row.accuracy}
            for row in per_item(predicted, labels, items)
        },
        "confused": [asdict(pair) for pair in most_confused(matrix, items)],
        "confusion": {"items": list(items), "counts": matrix.tolist()} if confusion else None,
    }


def _confidence(answers: Answers, calibration: Calibration | None, coverage: float) -> dict[str, Any]:
    """How far the confidence can be trusted, as the network has it and as its calibration does."""
    probabilities, actual = answers.probabilities, answers.items
    before = {
        "ece_before": expected_calibration_error(probabilities, actual),
        "reliability": [asdict(row) for row in reliability(probabilities, actual)],
    }
    if calibration is None:
        nothing = dict.fromkeys(("temperature", "fitted_on", "labels_used", "ece_after", "reliability_after", "own"))
        none = dict.fromkeys(("measured", "ci95", "mean_size"))
        return {"calibration": before | nothing, "conformal": {"coverage": coverage} | none}
    judged = calibration.judged(probabilities, actual, answers.photographs, coverage)
    covered = judged.sets[np.arange(len(actual)), actual]
    return {
        "calibration": {
            "temperature": calibration.temperature,
            "fitted_on": calibration.fitted_on,
            "labels_used": seen_labels.counts(calibration.labels),
            **before,
            "ece_after": expected_calibration_error(judged.probabilities, actual),
            "reliability_after": [asdict(row) for row in reliability(judged.probabilities, actual)],
            "own": judged.own,
        },
        "conformal": {
            "coverage": coverage,
            "measured": float(covered.mean()),
            "ci95": wilson_interval(int(covered.sum()), len(covered)),
            "mean_size": float(judged.sets.sum(axis=1).mean()),
        },
    }
