"""`office31 doctor`: before training, is everything in order, and will adapting help?"""

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from office31_cli.data.catalogue import DataLike, open_data
from office31_cli.data.data_set import DataSet
from office31_cli.engine.settings import HELD_OUT_SHARE, check_device
from office31_cli.errors import Failed, Misuse
from office31_cli.metrics.accuracy import accuracy
from office31_cli.observer import SILENT, Observer
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.doctor import inventory, machine
from office31_cli.recipes.doctor.results import Distance, Examination, Forecast, ItemSetForecast, LabelShift
from office31_cli.registry import Entry
from office31_cli.text import printable
from office31_cli.workflow import selection
from office31_cli.workflow.request import Options, Request, build_request

if TYPE_CHECKING:
    from office31_cli.recipes.doctor.probe import Probe


def doctor(
    *,
    source: Sequence[str] | None = None,
    target: str | None = None,
    check_labels: Sequence[str] = (),
    data: DataLike | None = None,
    model: str | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    device: str = "auto",
    seed: int = 0,
    observer: Observer = SILENT,
) -> Examination:
    """Examine the machine and the data set, and with `source` and `target` forecast what adapting would bring.

    No label of the target is read. Labels of the domains in `check_labels` are searched for errors and used for nothing
    else. The network is `model`, else the newest that was trained on the source alone, else a head on `backbone` that
    is trained on the source and not stored. Without any domain, photographs are counted and compared by their bytes,
    and none is decoded. Raises `Misuse` for names that do not exist or do not fit.
    """
    began = time.monotonic()
    check_device(device)
    if model is not None and (backbone, weights) != (None, None):
        raise Misuse("--model", "it has a backbone and weights of its own", "leave out --backbone and --weights")
    if not (source or target or check_labels):
        _check_unused(model, backbone, weights)
        return _count_only(data, began)
    request, start = _build_request(
        source, target, check_labels, data, model, backbone, weights, device, seed, observer
    )
    return examine(request, start, target, check_labels, began, observer)


def _check_unused(model: str | None, backbone: str | None, weights: str | None) -> None:
    for option, given in (("--model", model), ("--backbone", backbone), ("--weights", weights)):
        if given is not None:
            raise Misuse(
                f"{option} {printable(given)}", "no network is used without a domain", "name --source and --target"
            )


def _count_only(data: DataLike | None, began: float) -> Examination:
    """Examine the machine, and count the data set's photographs where there is one."""
    try:
        opened = open_data(data)
    except Failed:
        if data is not None:
            raise
        opened = None  # none was downloaded yet: that is a finding and no error
    return Examination(
        machine=machine.inspect_machine(),
        source=None,
        target=None,
        model=None,
        backbone=None,
        data=None if opened is None else inventory.count_photographs(opened),
        distance=None,
        label_shift=None,
        item_sets=None,
        forecast=None,
        seconds=round(time.monotonic() - began, 3),
    )


def _build_request(
    source: Sequence[str] | None,
    target: str | None,
    check_labels: Sequence[str],
    data: DataLike | None,
    model: str | None,
    backbone: str | None,
    weights: str | None,
    device: str,
    seed: int,
    observer: Observer,
) -> tuple[Request, Entry | None]:
    """The network to examine with, as a request to train it on the source; and the stored model, if it is one."""
    entry, opened = None, None if data is None else open_data(data)
    if (backbone, weights) == (None, None):
        entry, opened = _find_model(model, data, source, target or (source or check_labels)[0], observer)
    if opened is None:
        opened = open_data(data)
    _check_names(opened, source, target, check_labels)
    options = Options(device=device, seed=seed, train="head")
    if entry is None:
        if not source:
            raise Misuse("--source", "no stored model says what the source is", "name the labelled domain")
        request = build_request("doctor", source, data=data, backbone=backbone, weights=weights, options=options)
        selection.report_data(data, request.data, observer)
        return request, None
    seen = [name for name, count in entry.card.labels_used.items() if count and name in opened.labelled_domains]
    domains = tuple(name for name in opened.domains if name in (source or seen) and name != target)
    if not domains:
        raise Misuse(f"model {entry.name}", f"it was trained on no domain but {target}", "name one with --source")
    if target is not None and entry.card.labels_used.get(target):
        observer.warn(f"{target}: {entry.name} was trained on labels of it, so the forecast of the gain is too low")
    return (
        Request(
            command="doctor",
            data=opened,
            domains=domains,
            backbone=entry.card.network["backbone"],
            weights=entry.card.weights,
            parent=entry,
            outputs=selection.stored_outputs(entry),
            suggested_name=entry.name,
            options=options,
            held_out=HELD_OUT_SHARE,
        ),
        entry,
    )


def _find_model(
    word: str | None, data: DataLike | None, source: Sequence[str] | None, domain: str, observer: Observer
) -> tuple[Entry | None, DataSet | None]:
    """The model that was named, else the newest that fits; None where there is none."""
    nothing = Failed("no stored model", "none fits", "train one")
    try:
        fits = partial(_fits, source=None if source is None else set(source), target=domain)
        entry, opened = selection.select_model_and_data(word, data, domain, fits, nothing, needs_labels=False)
    except Failed as error:
        if error is not nothing:
            raise
        return None, None
    selection.report_model(word, entry, observer)
    selection.report_layout(opened, observer)
    return entry, opened


def _fits(entry: Entry, *, source: set[str] | None, target: str) -> bool:
    """Whether a model was trained on the source alone, and was not adapted."""
    trained_on = {domain for domain, count in entry.card.labels_used.items() if count}
    return entry.card.command != "adapt" and trained_on == (source or trained_on - {target})


def _check_names(data: DataSet, source: Sequence[str] | None, target: str | None, check_labels: Sequence[str]) -> None:
    """Raise `Misuse` with a near match for domains that do not exist, have no labels, or are source and target."""
    for name in (*(source or ()), *check_labels):
        data.check_labelled(name)
    if target is not None:
        data.check_domain(target)
        if target in (source or ()):
            raise Misuse(f"--source {printable(target)}", "it is the target", "choose another")


def examine(
    request: Request,
    entry: Entry | None,
    target: str | None,
    check_labels: Sequence[str],
    began: float,
    observer: Observer,
) -> Examination:
    """Run the whole examination; labels are read of the source and of the domains in `check_labels` alone."""
    from office31_cli.recipes.doctor import forecast as forecasting
    from office31_cli.recipes.doctor.probe import adapt_heads, estimate_item_sets, open_probe, predict_out_of_fold

    observed = dict.fromkeys((*request.domains, *check_labels))
    probe = open_probe(request, [*([target] if target else []), *check_labels], observer)
    judged = {name: predict_out_of_fold(probe, name, observer) for name in observed}
    data = inventory.inspect_data(probe, judged, observed)
    distance: Distance | None = None
    shift: LabelShift | None = None
    item_sets: ItemSetForecast | None = None
    forecast: Forecast | None = None
    if target is not None:
        if entry is None:
            probe.train(observer)
        heads = adapt_heads(probe, target, observer)
        estimate = estimate_item_sets(probe, target)
        item_sets = forecasting.forecast_item_sets(probe, estimate, heads)
        if estimate.setting != "closed":
            heads = adapt_heads(probe, target, observer, estimate=estimate)
        distance = forecasting.measure_distance(probe, target)
        shift = forecasting.estimate_label_shift(probe, heads.mean(0))
        forecast = forecasting.build_forecast(probe, target, _measure_source_accuracy(probe, judged), heads, estimate)
    return Examination(
        machine=machine.inspect_machine(),
        source="+".join(request.domains),
        target=target,
        model=entry.name if entry else None,
        backbone=request.backbone,
        data=data,
        distance=distance,
        label_shift=shift,
        item_sets=item_sets,
        forecast=forecast,
        seconds=round(time.monotonic() - began, 3),
    )


def _measure_source_accuracy(probe: "Probe", judged: dict[str, FloatArray]) -> float:
    """The accuracy on the source of heads that were not trained on the photographs that they predict."""
    predicted = np.concatenate([judged[name].argmax(1) for name in probe.request.domains])
    return accuracy(predicted, probe.items())
