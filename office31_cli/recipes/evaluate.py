"""`office31 evaluate`: score a stored network on a part of a domain."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from office31_cli.data.folder import DataSet
from office31_cli.engine.settings import check_device
from office31_cli.errors import Failed, Misuse
from office31_cli.metrics.accuracy import accuracy_per_item, wilson_interval
from office31_cli.metrics.calibration import expected_calibration_error, reliability_bins
from office31_cli.metrics.confusion import confusion_matrix, most_confused
from office31_cli.observer import SILENT, Observer
from office31_cli.registry import Entry
from office31_cli.results import COVERAGE, PARTS, Evaluation
from office31_cli.text import did_you_mean, printable
from office31_cli.workflow import seen_labels, selection
from office31_cli.workflow.calibration import Calibration, check_coverage, load_calibration

if TYPE_CHECKING:
    from office31_cli.workflow.predictions import DomainPredictions


def evaluate(
    split: str,
    *,
    model: str | None = None,
    data: str | None = None,
    confusion: bool = False,
    device: str = "auto",
    skip_bad: bool = False,
    coverage: float = COVERAGE,
    observer: Observer = SILENT,
) -> Evaluation:
    """Score a stored network on `split`: a domain, or `DOMAIN:PART` with one of `PARTS`.

    Without a part, all of a domain is scored whose labels the model never saw, else the part of it that is held
    out. Without `model` the newest one is taken. With `confusion` what each item is taken for is counted. `coverage` is
    how often its sets of items are to hold the actual one. Raises `Misuse` for what does not exist or does not fit,
    and `Failed` where no photographs are left to score.
    """
    check_device(device)
    check_coverage(coverage)
    domain, part = parse_split(split)
    nothing = Failed("no stored model", "there is nothing to evaluate", "run: office31 pretrain --domain amazon")
    entry, opened = selection.select_model_and_data(model, data, domain, lambda entry: True, nothing)
    selection.report_model(model, entry, observer)
    return score(
        entry,
        opened,
        domain,
        part,
        confusion=confusion,
        coverage=coverage,
        device=device,
        skip_bad=skip_bad,
        observer=observer,
    )


def parse_split(split: str) -> tuple[str, str | None]:
    """The domain and, where it is said, the part; raises `Misuse` for another part."""
    domain, colon, part = split.partition(":")
    if colon and part not in PARTS:
        raise Misuse(f"--split {printable(split)}", f"no part {printable(part)!r}", did_you_mean(part, PARTS))
    return domain, part or None


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
) -> Evaluation:
    """Score the stored network on one part of a domain: see `evaluate`."""
    from office31_cli.workflow.predictions import predict_domain

    answers = predict_domain(entry, data, domain, part, device=device, skip_bad=skip_bad, observer=observer)
    return score_predictions(entry, data, answers, coverage, confusion=confusion)


def score_predictions(
    entry: Entry, data: DataSet, answers: "DomainPredictions", coverage: float = COVERAGE, *, confusion: bool = False
) -> Evaluation:
    """What the stored network's answers about labelled photographs are worth, and if asked for its `confusion`."""
    domain = answers.photographs.domain
    return Evaluation(
        model=entry.name,
        id=entry.id,
        data=data.name,
        split=f"{domain}:{answers.part}",
        photographs=len(answers.photographs),
        labels_used=entry.card.labels_used | {domain: entry.card.labels_used.get(domain, answers.labels_seen)},
        seen=int(answers.seen.sum()),
        **_figures(answers, entry.card.items, confusion=confusion),
        **_confidence(answers, load_calibration(entry), coverage),
    )


def _figures(answers: "DomainPredictions", items: tuple[str, ...], *, confusion: bool) -> dict[str, Any]:
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
            for row in accuracy_per_item(predicted, labels, items)
        },
        "confused": [asdict(pair) for pair in most_confused(matrix, items)],
        "confusion": {"items": list(items), "counts": matrix.tolist()} if confusion else None,
    }


def _confidence(answers: "DomainPredictions", calibration: Calibration | None, coverage: float) -> dict[str, Any]:
    """How far the confidence can be trusted, as the network has it and as its calibration does."""
    probabilities, actual = answers.probabilities, answers.items
    before = {
        "ece_before": expected_calibration_error(probabilities, actual),
        "reliability": [asdict(row) for row in reliability_bins(probabilities, actual)],
    }
    if calibration is None:
        nothing = dict.fromkeys(("temperature", "fitted_on", "labels_used", "ece_after", "reliability_after", "own"))
        none = dict.fromkeys(("measured", "ci95", "mean_size"))
        return {"calibration": before | nothing, "conformal": {"coverage": coverage} | none}
    judged = calibration.judge(probabilities, actual, answers.photographs, coverage)
    covered = judged.sets[np.arange(len(actual)), actual]
    return {
        "calibration": {
            "temperature": calibration.temperature,
            "fitted_on": calibration.fitted_on,
            "labels_used": seen_labels.count_labels(calibration.labels),
            **before,
            "ece_after": expected_calibration_error(judged.probabilities, actual),
            "reliability_after": [asdict(row) for row in reliability_bins(judged.probabilities, actual)],
            "own": judged.own,
        },
        "conformal": {
            "coverage": coverage,
            "measured": float(covered.mean()),
            "ci95": wilson_interval(int(covered.sum()), len(covered)),
            "mean_size": float(judged.sets.sum(axis=1).mean()),
        },
    }
