"""`office31 evaluate`: score a stored network on a part of a domain."""

import os
from dataclasses import replace

from office31_cli.data.catalogue import DataLike
from office31_cli.engine.settings import check_device
from office31_cli.errors import Failed
from office31_cli.observer import SILENT, Observer
from office31_cli.results import COVERAGE, Evaluation
from office31_cli.workflow import selection
from office31_cli.workflow.calibration import check_coverage
from office31_cli.workflow.evaluation import parse_split, score_predictions
from office31_cli.workflow.labels_from import check_new_items, read_labels_from


def evaluate(
    split: str,
    *,
    model: str | None = None,
    data: DataLike | None = None,
    labels_from: str | os.PathLike[str] | None = None,
    new_items: bool = False,
    confusion: bool = False,
    device: str = "auto",
    skip_bad: bool = False,
    coverage: float = COVERAGE,
    observer: Observer = SILENT,
) -> Evaluation:
    """Score a stored network on `split`: a domain, or `DOMAIN:PART` where PART is `train`, `test` or `all`.

    Without a part, all of a domain is scored if the model has seen none of its labels, else its held-out part.
    With the file `labels_from` only the photographs that it names are scored, by the items that it states, else by
    those of the data set; items in it that look like typing errors are refused unless they are `new_items`.
    Without `model` the newest one is taken. With `confusion` the result has the whole confusion matrix. `coverage` is
    that of the prediction sets. Raises `Misuse` for what does not exist or does not fit, and `Failed` where there are
    no photographs to score.
    """
    check_device(device)
    check_coverage(coverage)
    domain, part = parse_split(split)
    missing = Failed("no stored model", "there is nothing to evaluate", "run: office31 pretrain --domain amazon")
    check_new_items(labels_from, new_items=new_items)
    entry, opened = selection.select_model_and_data(
        model,
        data,
        domain,
        lambda entry: True,
        missing,
        needs_labels=labels_from is None,
        needs_shared=labels_from is None,
    )
    files, scored = None, opened
    if labels_from is not None:
        stated, opened = read_labels_from(labels_from, opened, domain, entry, new_items=new_items)
        files, scored = stated.files, opened.keep_labels({domain: stated.files})
        selection.check_shared_items(entry, scored, domain)
    selection.report_model(model, entry, observer)
    selection.report_layout(opened, observer)
    from office31_cli.workflow.predictions import predict_domain  # torch, 3 s: only now that all makes sense

    predictions = predict_domain(
        entry, opened, domain, part, files=files, device=device, skip_bad=skip_bad, observer=observer
    )
    result = score_predictions(entry, scored, predictions, coverage, confusion=confusion)
    return result if labels_from is None else replace(result, labels_from=os.fspath(labels_from))
