"""The computing half of `evaluate`."""

from dataclasses import asdict
from typing import Any

from office31_cli.data.folder import DataSet
from office31_cli.metrics.accuracy import per_item, wilson_interval
from office31_cli.metrics.confusion import confusion_matrix, most_confused
from office31_cli.observer import Observer
from office31_cli.recipes.answering import Answers, answer
from office31_cli.registry import Entry
from office31_cli.results import Evaluated


def score(
    entry: Entry, data: DataSet, domain: str, part: str | None, *, device: str, skip_bad: bool, observer: Observer
) -> Evaluated:
    """Score the stored network on one part of a domain: see `evaluate`."""
    return scored(entry, data, answer(entry, data, domain, part, device=device, skip_bad=skip_bad, observer=observer))


def scored(entry: Entry, data: DataSet, answers: Answers) -> Evaluated:
    """What the stored network's answers about labelled photographs are worth."""
    domain = answers.photographs.domain
    return Evaluated(
        model=entry.name,
        id=entry.id,
        data=data.name,
        split=f"{domain}:{answers.part}",
        photographs=len(answers.photographs),
        labels_used=entry.card.labels_used | {domain: entry.card.labels_used.get(domain, answers.learnt)},
        seen=int(answers.seen.sum()),
        **_figures(answers, entry.card.items),
    )


def _figures(answers: Answers, items: tuple[str, ...]) -> dict[str, Any]:
    scores = answers.outputs.scores(answers.raw, answers.actual)
    predicted, labels = answers.predicted, answers.items
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
