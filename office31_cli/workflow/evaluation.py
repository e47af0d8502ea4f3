"""What the predictions of a stored network are worth: accuracies, confusion, calibration and prediction sets."""

from dataclasses import asdict
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from office31_cli.data.data_set import DataSet
from office31_cli.data.photographs import UNLABELLED
from office31_cli.errors import Failed, Misuse
from office31_cli.metrics import open_set
from office31_cli.metrics.accuracy import accuracy_per_item, wilson_interval
from office31_cli.metrics.calibration import expected_calibration_error, reliability_bins
from office31_cli.metrics.confusion import confusion_matrix, most_confused
from office31_cli.metrics.open_set import OpenSetScores
from office31_cli.metrics.unknown import entropy
from office31_cli.registry import Entry
from office31_cli.results import COVERAGE, PARTS, Evaluation
from office31_cli.text import did_you_mean, printable
from office31_cli.workflow import seen_labels
from office31_cli.workflow.calibration import Calibration, load_calibration
from office31_cli.workflow.item_sets import compare_items
from office31_cli.workflow.unknown_detector import UnknownDetector, load_detector

if TYPE_CHECKING:
    from office31_cli.workflow.predictions import DomainPredictions


def parse_split(split: str) -> tuple[str, str | None]:
    """The domain and the part of `DOMAIN:PART`, None where no part is named; raises `Misuse` for an unknown part."""
    domain, colon, part = split.partition(":")
    if colon and part not in PARTS:
        raise Misuse(f"--split {printable(split)}", f"no part {printable(part)!r}", did_you_mean(part, PARTS))
    return domain, part or None


def score_predictions(
    entry: Entry,
    data: DataSet,
    predictions: "DomainPredictions",
    coverage: float = COVERAGE,
    *,
    confusion: bool = False,
) -> Evaluation:
    """Score a stored network's predictions for labelled photographs; with `confusion`, the whole matrix is kept.

    `coverage` is that of the prediction sets.
    """
    whole, domain = predictions.photographs, predictions.photographs.domain
    unknown = _score_unknown(predictions, load_detector(entry)) if whole.is_unknown.any() else None
    predictions = predictions.known()
    if not len(predictions.photographs):
        raise Failed(
            f"{domain}:{predictions.part}",
            "none of its photographs is labelled with an item that the model knows",
            "choose another part, or another --model",
        )
    labels_used, sets = entry.card.labels_used, compare_items(entry.card.items, data.items_of(domain))
    return Evaluation(
        model=entry.name,
        id=entry.id,
        data=data.name,
        split=f"{domain}:{predictions.part}",
        photographs=len(predictions.photographs),
        unlabelled=int((whole.items == UNLABELLED).sum()),
        setting=sets.setting,
        shared_items=sets.shared,
        unknown=None if unknown is None else unknown.to_json(),
        labels_used=labels_used | {domain: labels_used.get(domain, predictions.labels_seen)},
        seen=int(predictions.seen.sum()),
        **_score_classification(predictions, entry.card.items, confusion=confusion),
        **_score_confidence(predictions, load_calibration(entry), coverage),
    )


def _score_unknown(predictions: "DomainPredictions", detector: UnknownDetector | None) -> OpenSetScores | None:
    """How well photographs of unknown items are told from the others; None where there are no others.

    A model without a detector of its own is scored by its entropy at half its largest value (Saito and others 2020).
    """
    photographs, probabilities = predictions.photographs, predictions.probabilities
    if not photographs.is_known.any():
        return None
    if detector is None:
        scores, threshold = entropy(probabilities), log(probabilities.shape[1]) / 2
    else:
        scores, threshold = detector.scores(probabilities, predictions.features), detector.threshold
    labelled = photographs.is_known | photographs.is_unknown
    actual = np.where(photographs.is_known, photographs.items, open_set.UNKNOWN)
    return open_set.score_open_set(predictions.predicted[labelled], actual[labelled], scores[labelled], threshold)


def _score_classification(
    predictions: "DomainPredictions", items: tuple[str, ...], *, confusion: bool
) -> dict[str, Any]:
    """The accuracies of the item, what each item is confused with, and the scores of all outputs."""
    scores = predictions.outputs.scores(predictions.raw, predictions.actual)
    predicted, actual = predictions.predicted, predictions.items
    matrix = confusion_matrix(predicted, actual, len(items))
    item = scores["item"]
    return {
        "accuracy": item["accuracy"],
        "ci95": wilson_interval(int((predicted == actual).sum()), len(actual)),
        "macro_accuracy": item["macro_accuracy"],
        "ece": item["ece"],
        "outputs": scores,
        "per_item": {
            row.item: {"photographs": row.photographs, "accuracy": row.accuracy}
            for row in accuracy_per_item(predicted, actual, items)
        },
        "confused": [asdict(pair) for pair in most_confused(matrix, items)],
        "confusion": {"items": list(items), "counts": matrix.tolist()} if confusion else None,
    }


def _score_confidence(
    predictions: "DomainPredictions", calibration: Calibration | None, coverage: float
) -> dict[str, Any]:
    """The calibration error and the reliability before and after calibration, and the coverage of prediction sets.

    Without a stored calibration, what would come of it is None.
    """
    probabilities, actual = predictions.probabilities, predictions.items
    before = {
        "ece_before": expected_calibration_error(probabilities, actual),
        "reliability": [asdict(row) for row in reliability_bins(probabilities, actual)],
    }
    if calibration is None:
        after = dict.fromkeys(("temperature", "fitted_on", "labels_used", "ece_after", "reliability_after", "own"))
        sets = dict.fromkeys(("measured", "ci95", "mean_size"))
        return {"calibration": before | after, "conformal": {"coverage": coverage} | sets}
    calibrated = calibration.cross_fit(probabilities, actual, predictions.photographs, coverage)
    covered = calibrated.sets[np.arange(len(actual)), actual]
    return {
        "calibration": {
            "temperature": calibration.temperature,
            "fitted_on": calibration.fitted_on,
            "labels_used": seen_labels.count_labels(calibration.labels),
            **before,
            "ece_after": expected_calibration_error(calibrated.probabilities, actual),
            "reliability_after": [asdict(row) for row in reliability_bins(calibrated.probabilities, actual)],
            "own": calibrated.fitted,
        },
        "conformal": {
            "coverage": coverage,
            "measured": float(covered.mean()),
            "ci95": wilson_interval(int(covered.sum()), len(covered)),
            "mean_size": float(calibrated.sets.sum(axis=1).mean()),
        },
    }
