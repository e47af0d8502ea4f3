"""The computing half of `evaluate`."""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from office31_cli.data.folder import DataSet
from office31_cli.data.photographs import BoolArray, IntArray, Photographs
from office31_cli.data.splits import held_out
from office31_cli.engine import loop
from office31_cli.engine.device import choose_device
from office31_cli.engine.features import frozen_outputs
from office31_cli.engine.freezing import cut
from office31_cli.engine.inputs import Examples, FrozenInputs
from office31_cli.errors import Failed
from office31_cli.metrics.accuracy import accuracy, macro_accuracy, per_item, wilson_interval
from office31_cli.metrics.calibration import expected_calibration_error
from office31_cli.metrics.confusion import confusion_matrix, most_confused
from office31_cli.models.stored import load_network
from office31_cli.observer import Observer
from office31_cli.recipes import labelled
from office31_cli.recipes.material import open_domain
from office31_cli.registry import Entry
from office31_cli.results import Evaluated


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
    actual = _in_model_order(entry, data, scored.items)
    examples = Examples(np.zeros(len(rows), dtype=np.int64), rows, actual)
    logits = loop.predict(halves.trained, FrozenInputs([features], chosen), examples, chosen)
    return Evaluated(
        model=entry.name,
        id=entry.id,
        data=data.name,
        split=f"{domain}:{part}",
        photographs=len(scored),
        labels_used=entry.card.labels_used | {domain: entry.card.labels_used.get(domain, int(seen.sum()))},
        seen=int(labelled.seen(scored, known).sum()),
        **_figures(logits.double().softmax(1).numpy(), actual, entry.card.items),
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


def _in_model_order(entry: Entry, data: DataSet, items: IntArray) -> IntArray:
    """Items (n,) numbered as the model's outputs are."""
    position = {item: number for number, item in enumerate(entry.card.items)}
    return np.array([position[item] for item in data.items], dtype=np.int64)[items]


def _figures(probabilities: npt.NDArray[np.float64], actual: IntArray, items: tuple[str, ...]) -> dict[str, Any]:
    predicted = probabilities.argmax(1)
    right = accuracy(predicted, actual)
    confused = most_confused(confusion_matrix(predicted, actual, len(items)), items)
    return {
        "accuracy": right,
        "ci95": wilson_interval(int((predicted == actual).sum()), len(actual)),
        "macro_accuracy": macro_accuracy(predicted, actual),
        "ece": expected_calibration_error(probabilities, actual),
        "outputs": {"item": {"kind": "choice", "accuracy": right}},
        "per_item": {
            row.item: {"photographs": row.photographs, "accuracy": row.accuracy}
            for row in per_item(predicted, actual, items)
        },
        "confused": [asdict(pair) for pair in confused],
    }
