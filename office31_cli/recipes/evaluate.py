"""`office31 evaluate`: score a stored network on a part of a domain."""

from office31_cli.data.catalogue import DataLike
from office31_cli.engine.settings import check_device
from office31_cli.errors import Failed
from office31_cli.observer import SILENT, Observer
from office31_cli.results import COVERAGE, Evaluation
from office31_cli.workflow import selection
from office31_cli.workflow.calibration import check_coverage
from office31_cli.workflow.evaluation import parse_split, score_predictions


def evaluate(
    split: str,
    *,
    model: str | None = None,
    data: DataLike | None = None,
    confusion: bool = False,
    device: str = "auto",
    skip_bad: bool = False,
    coverage: float = COVERAGE,
    observer: Observer = SILENT,
) -> Evaluation:
    """Score a stored network on `split`: a domain, or `DOMAIN:PART` where PART is `train`, `test` or `all`.

    Without a part, all of a domain is scored if the model has seen none of its labels, else its held-out part.
    Without `model` the newest one is taken. With `confusion` the result has the whole confusion matrix. `coverage` is
    that of the prediction sets. Raises `Misuse` for what does not exist or does not fit, and `Failed` where there are
    no photographs to score.
    """
    check_device(device)
    check_coverage(coverage)
    domain, part = parse_split(split)
    missing = Failed("no stored model", "there is nothing to evaluate", "run: office31 pretrain --domain amazon")
    entry, opened = selection.select_model_and_data(model, data, domain, lambda entry: True, missing)
    selection.report_model(model, entry, observer)
    selection.report_layout(opened, observer)
    from office31_cli.workflow.predictions import predict_domain  # torch, 3 s: only now that all makes sense

    predictions = predict_domain(entry, opened, domain, part, device=device, skip_bad=skip_bad, observer=observer)
    return score_predictions(entry, opened, predictions, coverage, confusion=confusion)
