"""The computing half of `predict`."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from office31_cli.data import found
from office31_cli.data.ahead import decoded_ahead
from office31_cli.data.pixels import Pixels
from office31_cli.engine.device import choose_device
from office31_cli.engine.inference import Answer, answering
from office31_cli.errors import Office31Error
from office31_cli.models.stored import load_network
from office31_cli.observer import Observer
from office31_cli.outputs.composite import Composite
from office31_cli.recipes.predict.command import Asked
from office31_cli.recipes.predict.results import Prediction, Predictions, Unread
from office31_cli.registry import Entry

Thing = TypeVar("Thing")


def predictions(entry: Entry, asked: Asked, *, device: str, observer: Observer) -> Predictions:
    """What the stored network says of the pictures: see `predict`."""
    network, preprocessing = load_network(entry)
    outputs = network.architecture.outputs
    unreadable: list[Unread] = []
    answer = answering(network, preprocessing, choose_device(device))
    return Predictions(
        model=entry.name,
        id=entry.id,
        items=entry.card.items,
        outputs={column: reader for column, reader in outputs.readers().items() if column != "item"},
        top=min(asked.top, len(entry.card.items)),
        min_confidence=asked.min_confidence,
        coverage=asked.coverage,
        calibrated_on=asked.calibration.fitted_on if asked.calibration else None,
        pictures=asked.count,
        path_width=asked.path_width,
        batches=_batches(answer, preprocessing.side, outputs, asked, unreadable, observer),
        unreadable=unreadable,
        promised=bool(asked.calibration and asked.calibration.labels),
    )


def _batches(
    answer: Answer, side: int, outputs: Composite, asked: Asked, unreadable: list[Unread], observer: Observer
) -> Iterator[list[Prediction]]:
    """The predictions batch by batch; what cannot be read is warned of and noted in `unreadable`."""
    decoded = decoded_ahead(found.pictures(asked.pictures), side, ahead=2 * asked.batch_size)
    with closing(decoded), observer.track("naming pictures", asked.count) as advance:
        for batch in _batched(decoded, asked.batch_size):
            readable = []
            for path, pixels in batch:
                if isinstance(pixels, Office31Error):
                    observer.warn(f"{pixels.what}: {pixels.why}")
                    unreadable.append(Unread(str(path), pixels))
                else:
                    readable.append((path, pixels))
            told = _told(readable, answer, outputs, asked) if readable else []
            advance(len(batch))
            yield told


def _told(
    pictures: Sequence[tuple[Path, Pixels]], answer: Answer, outputs: Composite, asked: Asked
) -> list[Prediction]:
    """What the network's answers about decoded pictures come down to."""
    paths, pixels = zip(*pictures, strict=True)
    answers, readers = outputs.answers(answer(np.stack(pixels))), outputs.readers()
    items, own = readers.pop("item").vocabulary, answers["item"]
    verdicts = {column: reader.verdicts(answers[column]) for column, reader in readers.items()}
    calibration, coverage = asked.calibration, asked.coverage
    shares = calibration.probabilities(own) if calibration else own
    sets = calibration.sets(own, coverage) if calibration and coverage else None
    told = []
    for place, path in enumerate(paths):
        order = np.argsort(-own[place], kind="stable").tolist()  # a calibration leaves it as it is
        top = [(items[number], float(shares[place, number])) for number in order[: asked.top]]
        likeliest, confidence = top[0]
        told.append(
            Prediction(
                path=str(path),
                item=likeliest if confidence >= asked.min_confidence else None,
                confidence=confidence,
                top=top,
                outputs={column: each[place] for column, each in verdicts.items()},
                set=None if sets is None else [items[number] for number in order if sets[place, number]],
            )
        )
    return told


def _batched(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """The things in lists of `size`, the last of which may be shorter (`itertools.batched` of Python 3.12)."""
    remaining = iter(things)
    return iter(lambda: list(islice(remaining, size)), [])
