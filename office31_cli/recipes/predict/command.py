"""`office31 predict`: name what is on pictures of one's own."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from office31_cli.data import picture_files
from office31_cli.data.pixels import MissingDecoder, Pixels
from office31_cli.data.prefetch import decode_ahead
from office31_cli.data.walk import EXTENSIONS
from office31_cli.engine.settings import check_device
from office31_cli.errors import Failed, Misuse, Office31Error
from office31_cli.observer import SILENT, Observer
from office31_cli.outputs.composite import Composite
from office31_cli.recipes.predict.results import Prediction, Predictions, UnreadPicture
from office31_cli.registry import Entry
from office31_cli.text import join_names, printable, text_width
from office31_cli.workflow import selection
from office31_cli.workflow.calibration import Calibration, check_coverage, load_calibration
from office31_cli.workflow.item_sets import UNKNOWN_ITEM
from office31_cli.workflow.unknown_detector import UnknownDetector, require_detector

if TYPE_CHECKING:
    from office31_cli.engine.inference import Predictor


BATCH = 16
"""Small batches stay in a processor's cache: larger ones are no faster there."""


@dataclass(frozen=True, kw_only=True)
class PredictRequest:
    """Which pictures to predict, and how."""

    pictures: tuple[Path, ...]
    """As named: files and folders."""
    count: int
    """How many pictures they hold."""
    path_width: int
    """Columns of a terminal that the longest path takes, without `folder`."""
    folder: str
    """The folder that was named alone, with a separator at its end; empty where several things were named."""
    top: int
    min_confidence: float
    coverage: float | None
    calibration: Calibration | None
    """Not None where there is a `coverage`."""
    rate: float | None
    """The share of known photographs that may be called unknown; None where nothing is."""
    detector: UnknownDetector | None
    """Not None where there is a `rate`."""
    batch_size: int


def predict(
    pictures: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model: str | None = None,
    top: int = 3,
    min_confidence: float = 0.0,
    coverage: float | None = None,
    unknown: float | None = None,
    device: str = "auto",
    batch_size: int = BATCH,
    observer: Observer = SILENT,
) -> Predictions:
    """Name what is on pictures: on files, and on all that a folder holds below it.

    The predictions are made while they are iterated over, in constant memory. The network abstains where it is less
    confident than `min_confidence`; with `coverage`, each prediction has a set of items that holds the right one with
    this probability. With `unknown`, what looks like none of the items is predicted to be `unknown`, at a threshold
    that loses at most this share of pictures of known items. Without `model` the newest one is taken. A picture that
    cannot be read is left out and the observer warned; `check` of what is returned tells of it at the end.

    Raises `Misuse` for what does not exist or makes no sense, and `Failed` where there is no picture, no calibration
    for `coverage`, or no threshold for `unknown`.
    """
    check_device(device)
    _check_numbers(top, min_confidence, coverage, batch_size)
    named = tuple(map(Path, [pictures] if isinstance(pictures, str | os.PathLike) else pictures))
    for path in named:
        if not path.exists():
            raise Misuse(printable(str(path)), "there is no such picture or folder", "check the path")
    nothing = Failed("no stored model", "there is nothing to predict with", "run: office31 pretrain --domain amazon")
    entry = selection.select_model(model, nothing)
    calibration = load_calibration(entry)
    if coverage is not None and calibration is None:
        raise Failed(
            f"--coverage {coverage}",
            f"{entry.name} has no calibration, for want of held-out photographs",
            "leave it out, or train a model with --held-out above 0",
        )
    detector = None if unknown is None else require_detector(entry, unknown)
    folder = f"{named[0]}{os.sep}" if len(named) == 1 and named[0].is_dir() else ""
    count, widest = _look_through(named, folder, observer)
    request = PredictRequest(
        pictures=named,
        count=count,
        path_width=widest,
        folder=folder,
        top=top,
        min_confidence=min_confidence,
        coverage=coverage,
        calibration=calibration,
        rate=unknown,
        detector=detector,
        batch_size=batch_size,
    )
    selection.report_model(model, entry, observer)
    return open_predictions(entry, request, device=device, observer=observer)


def _check_numbers(top: int, min_confidence: float, coverage: float | None, batch_size: int) -> None:
    for option, value in (("--top", top), ("--batch-size", batch_size)):
        if value < 1:
            raise Misuse(f"{option} {value}", "too small", "use 1 or more")
    if not 0 <= min_confidence <= 1:
        raise Misuse(f"--min-confidence {min_confidence}", "not a probability", "use a number from 0 to 1")
    if coverage is not None:
        check_coverage(coverage)


def _look_through(named: tuple[Path, ...], folder: str, observer: Observer) -> tuple[int, int]:
    """How many pictures there are, and the columns that the longest path takes without `folder`.

    Raises `Failed` where there are none. They are not kept: a second look when they are read costs less than the
    memory of a million paths.
    """
    count, widest, empty = 0, 0, []
    for path in named:
        before = count
        for each in picture_files.find_pictures([path], observer):
            count, widest = count + 1, max(widest, text_width(printable(str(each.path).removeprefix(folder))))
        if count == before:
            empty.append(printable(str(path)))
    if not count:
        kinds = ", ".join(sorted(EXTENSIONS))
        raise Failed(
            join_names(empty) or "nothing",
            f"there are no pictures in it ({kinds})",
            "name pictures, or a folder with some",
        )
    for folder in empty:
        observer.warn(f"{folder}: there are no pictures in it")
    return count, widest


Thing = TypeVar("Thing")


def open_predictions(entry: Entry, request: PredictRequest, *, device: str, observer: Observer) -> Predictions:
    """Load the stored network; its predictions are made while they are iterated over."""
    from office31_cli.engine.device import choose_device
    from office31_cli.engine.inference import build_predictor
    from office31_cli.models.stored import load_network

    network, preprocessing = load_network(entry)
    outputs = network.architecture.outputs
    unreadable: list[UnreadPicture] = []
    detector, rate = request.detector, request.rate
    answer = build_predictor(network, preprocessing, choose_device(device), with_features=detector is not None)
    return Predictions(
        model=entry.name,
        id=entry.id,
        items=entry.card.items,
        outputs={column: reader for column, reader in outputs.by_column().items() if column != "item"},
        top=min(request.top, len(entry.card.items)),
        min_confidence=request.min_confidence,
        coverage=request.coverage,
        unknown={"rate": rate, "threshold": detector.threshold_at(rate)} if detector and rate else None,
        calibrated_on=request.calibration.fitted_on if request.calibration else None,
        pictures=request.count,
        path_width=request.path_width,
        folder=request.folder,
        batches=_batches(answer, preprocessing.side, outputs, request, unreadable, observer),
        unreadable=unreadable,
        promised=bool(request.calibration and request.calibration.labels),
    )


def _batches(
    answer: "Predictor",
    side: int,
    outputs: Composite,
    request: PredictRequest,
    unreadable: list[UnreadPicture],
    observer: Observer,
) -> Iterator[list[Prediction]]:
    """The predictions batch by batch; what cannot be read is warned of and noted in `unreadable`."""
    decoded = decode_ahead(picture_files.find_pictures(request.pictures), side, ahead=2 * request.batch_size)
    with closing(decoded), observer.track("naming pictures", request.count) as advance:
        for batch in _batched(decoded, request.batch_size):
            readable = []
            for path, pixels in batch:
                if isinstance(pixels, Office31Error):
                    told = str(pixels) if isinstance(pixels, MissingDecoder) else f"{pixels.what}: {pixels.why}"
                    observer.warn(told)
                    unreadable.append(UnreadPicture(str(path), pixels))
                else:
                    readable.append((path, pixels))
            batch_predictions = _predict_batch(readable, answer, outputs, request) if readable else []
            advance(len(batch))
            yield batch_predictions


def _predict_batch(
    pictures: Sequence[tuple[Path, Pixels]], answer: "Predictor", outputs: Composite, request: PredictRequest
) -> list[Prediction]:
    """The predictions for a batch of decoded pictures."""
    paths, pixels = zip(*pictures, strict=True)
    raw, features = np.split(answer(np.stack(pixels)), [outputs.width], axis=1)
    answers, readers = outputs.decode_array(raw), outputs.by_column()
    items, own = readers.pop("item").vocabulary, answers["item"]
    verdicts = {column: reader.predictions(answers[column]) for column, reader in readers.items()}
    calibration, coverage = request.calibration, request.coverage
    shares = calibration.calibrate(own) if calibration else own
    sets = calibration.prediction_sets(own, coverage) if calibration and coverage else None
    unknown = np.zeros(len(own), dtype=np.bool_)
    if request.detector and request.rate:
        unknown = request.detector.scores(own, features) > request.detector.threshold_at(request.rate)
    predictions = []
    for place, path in enumerate(paths):
        order = np.argsort(-own[place], kind="stable").tolist()  # a calibration leaves it as it is
        top = [(items[number], float(shares[place, number])) for number in order[: request.top]]
        likeliest, confidence = top[0]
        predictions.append(
            Prediction(
                path=str(path),
                item=UNKNOWN_ITEM if unknown[place] else likeliest if confidence >= request.min_confidence else None,
                confidence=confidence,
                top=top,
                outputs={column: each[place] for column, each in verdicts.items()},
                set=None if sets is None else [items[number] for number in order if sets[place, number]],
            )
        )
    return predictions


def _batched(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """The things in lists of `size`, the last of which may be shorter (`itertools.batched` of Python 3.12)."""
    remaining = iter(things)
    return iter(lambda: list(islice(remaining, size)), [])
