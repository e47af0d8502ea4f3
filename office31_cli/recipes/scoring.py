"""The computing half of `evaluate`."""

from dataclasses import asdict
from typing import Any

import numpy as np

from office31_cli.data import columns
from office31_cli.data.columns.base import Column, values_where_known
from office31_cli.data.folder import DataSet
from office31_cli.data.photographs import BoolArray, Photographs
from office31_cli.data.splits import held_out
from office31_cli.engine import loop
from office31_cli.engine.device import choose_device
from office31_cli.engine.features import frozen_outputs
from office31_cli.engine.freezing import cut
from office31_cli.engine.inputs import Examples, FrozenInputs
from office31_cli.errors import Failed, Misuse
from office31_cli.metrics.accuracy import per_item, wilson_interval
from office31_cli.metrics.confusion import confusion_matrix, most_confused
from office31_cli.models.stored import load_network
from office31_cli.observer import Observer
from office31_cli.outputs.base import FloatArray, Output
from office31_cli.outputs.composite import Composite
from office31_cli.recipes import labelled
from office31_cli.recipes.material import open_domain, warn_of_gaps
from office31_cli.registry import Entry
from office31_cli.results import Evaluated
from office31_cli.text import printable


def score(
    entry: Entry, data: DataSet, domain: str, part: str | None, *, device: str, skip_bad: bool, observer: Observer
) -> Evaluated:
    """Score the stored network on one part of a domain: see `evaluate`."""
    network, preprocessing = load_network(entry)
    chosen = choose_device(device)
    opened = open_domain(data, domain, preprocessing, skip_bad=skip_bad, observer=observer)
    known = labelled.of(entry)
    seen = labelled.seen(opened.photographs, known)
    part = part or ("test" if seen.any() else "all")
    scored = _part(opened.photographs, seen, part)
    # A backbone that many models share has its features kept for the whole domain; one's own only as needed.
    computed = opened.whole if entry.card.train == "head" else scored
    rows = scored.rows if entry.card.train == "head" else np.arange(len(scored))
    halves = cut(network, "head")
    assert halves.frozen is not None
    features = frozen_outputs(halves.frozen, computed, opened.pixels, preprocessing, chosen, observer)
    examples = Examples(np.zeros(len(rows), dtype=np.int64), rows, np.empty((len(rows), 0)))
    raw = loop.predict(halves.trained, FrozenInputs([[features]], chosen), examples, chosen).double().numpy()
    outputs = network.architecture.outputs
    return Evaluated(
        model=entry.name,
        id=entry.id,
        data=data.name,
        split=f"{domain}:{part}",
        photographs=len(scored),
        labels_used=entry.card.labels_used | {domain: entry.card.labels_used.get(domain, int(seen.sum()))},
        seen=int(labelled.seen(scored, known).sum()),
        **_figures(outputs, raw, _actual(outputs, data, scored, observer), entry.card.items),
    )


def _part(photographs: Photographs, seen: BoolArray, part: str) -> Photographs:
    """The photographs of `part`; raises `Failed` where there are none.

    Of a domain that the model has learnt from, `train` is what it saw and `test` what it did not; of any other,
    they are what a training with the default split would see and hold out.
    """
    if part == "all":
        return photographs
    learnt = seen if seen.any() else ~held_out(photographs.items, photographs.digests)
    chosen = photographs.subset(learnt if part == "train" else ~learnt)
    if not len(chosen):
        raise Failed(
            f"{photographs.domain}:{part}",
            "no photographs are in this part",
            f"use --split {photographs.domain}:all, or a model that was trained with --held-out above 0",
        )
    return chosen


def _actual(outputs: Composite, data: DataSet, scored: Photographs, observer: Observer) -> dict[str, FloatArray]:
    """By column the actual values (n,), as the model numbers them; what the data set does not tell is left out."""
    actual = {}
    for name, reader in outputs.readers().items():
        column = columns.find(data, name)
        if column is None or column.kind != reader.kind:
            observer.warn(f"output {printable(name)} is not scored: {printable(data.name)} has no such column")
            continue
        try:
            actual[name] = _in_model_order(reader, column, values_where_known(column, scored))
        except Misuse as error:
            observer.warn(f"output {printable(name)} is not scored: {error.why}")
    warn_of_gaps(actual, observer)
    return actual


def _in_model_order(reader: Output, column: Column, values: FloatArray) -> FloatArray:
    """Values of a choice (n,) numbered as the model's are; raises `Misuse` for a label that it does not know."""
    if not column.labels:
        return values
    position = {label: float(number) for number, label in enumerate(reader.vocabulary)}
    known = ~np.isnan(values)
    found = [column.labels[number] for number in values[known].astype(int)]
    if unknown := sorted(set(found) - set(position)):
        raise Misuse(column.name, f"the model does not know {unknown[0]!r}", "")
    ordered = values.copy()
    ordered[known] = [position[label] for label in found]
    return ordered


def _figures(
    outputs: Composite, raw: FloatArray, actual: dict[str, FloatArray], items: tuple[str, ...]
) -> dict[str, Any]:
    scores = outputs.scores(raw, actual)
    predicted, labels = outputs.answers(raw)["item"].argmax(1), actual["item"].astype(np.int64)
    confused = most_confused(confusion_matrix(predicted, labels, len(items)), items)
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
        "confused": [asdict(pair) for pair in confused],
    }
