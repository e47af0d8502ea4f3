"""An examination from opening the domains to the forecast."""

import time
from collections.abc import Sequence

import numpy as np

from office31_cli.metrics.accuracy import accuracy
from office31_cli.observer import Observer
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.doctor import apart, machine, order
from office31_cli.recipes.doctor import forecast as forecasting
from office31_cli.recipes.doctor.heads import adapted, out_of_fold
from office31_cli.recipes.doctor.probe import Case, opened
from office31_cli.recipes.doctor.results import Distance, Examined, Forecast, LabelShift
from office31_cli.registry import Entry
from office31_cli.workflow.request import Request


def examination(
    request: Request,
    entry: Entry | None,
    target: str | None,
    check_labels: Sequence[str],
    began: float,
    observer: Observer,
) -> Examined:
    """Look at everything; labels are read of the source and of the domains in `check_labels`."""
    observed = dict.fromkeys((*request.domains, *check_labels))
    case = opened(request, [*([target] if target else []), *check_labels], observer)
    judged = {name: out_of_fold(case, name, observer) for name in observed}
    found = order.data_found(case, judged, observed)
    distance: Distance | None = None
    shift: LabelShift | None = None
    forecast: Forecast | None = None
    if target is not None:
        if entry is None:
            case.learn(observer)
        heads = adapted(case, target, observer)
        distance, shift = apart.distance(case, target), apart.label_shift(case, heads.mean(0))
        forecast = forecasting.forecast(case, target, _accuracy(case, judged), heads)
    return Examined(
        machine=machine.examined(),
        source="+".join(request.domains),
        target=target,
        model=entry.name if entry else None,
        backbone=request.backbone,
        data=found,
        distance=distance,
        label_shift=shift,
        forecast=forecast,
        seconds=round(time.monotonic() - began, 3),
    )


def _accuracy(case: Case, judged: dict[str, FloatArray]) -> float:
    """On the source's photographs, of heads that did not learn from them."""
    answered = np.concatenate([judged[name].argmax(1) for name in case.request.domains])
    return accuracy(answered, case.items())
