"""The computing half of `evaluate`."""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from office31_cli.data.folder import DataSet
from office31_cli.data.photographs import IntArray, Photographs
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
from office31_cli.text import counted


def score(
    entry: Entry, data: DataSet, domain: str, part: str, *, device: str, skip_bad: bool, observer: Observer
) -> Evaluated:
    """Score the stored network on one part of a domain: see `evaluate`."""
    network, preprocessing = load_network(entry)
    chosen = choose_device(device)
    opened = open_domain(data, domain, preprocessing, skip_bad=skip_bad, observer=observer)
    scored = _part(entry, opened.photographs, part, observer)
    # A backbone that many models share has its features kept for the whole domain; one's own only as needed.
    computed = opened.whole if entry.card.train == "head" else scored
    rows = scored.rows if entry.card.train == "head" else np.arange(len(scored))
    halves = cut(network, "head")
    assert halves.frozen is not None
    features = frozen_outputs(halves.frozen, computed, opened.pixels, preprocessing, chosen, observer)
    actual = _in_model_order(entry, data, scored.items)
    examples = Examples(np.zeros(len(rows), dtype=np.int64), rows, actual)
    logits = loop.predict(halves.trained, FrozenInputs([features], chosen), examples, chosen)
    probabilities = logits.double().softmax(1).numpy()
    return Evaluated(
        model=entry.name,
        id=entry.id,
        data=data.name,
        split=f"{domain}:{part}",
        photographs=len(scored),
        labels_used={**entry.card.labels_used, domain: entry.card.labels_used.get(domain, 0)},
        **_figures(probabilities, actual, entry.card.items),
    )


def _part(entry: Entry, photographs: Photographs, part: str, observer: Observer) -> Photographs:
    """The photographs of `part`, told by their bytes; raises `Failed` where there are none."""
    seen = labelled.seen(photographs, labelled.of(entry))
    if part == "all":
        if overlap := int(seen.sum()):
            observer.warn(
                f"{counted(overlap, 'photograph')} of {len(photographs)} were among those that the model learnt from"
            )
        return photographs
    if entry.card.labels_used.get(photographs.domain):
        chosen = photographs.subset(~seen if part == "test" else seen)
    else:
        kept_back = held_out(photographs.items, photographs.digests)
        chosen = photographs.subset(kept_back & ~seen if part == "test" else ~kept_back)
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
