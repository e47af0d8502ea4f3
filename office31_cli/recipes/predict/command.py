"""`office31 predict`: name what is on pictures of one's own."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from office31_cli.data import found
from office31_cli.data.folder import EXTENSIONS
from office31_cli.engine.settings import check_device
from office31_cli.errors import Failed, Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.evaluate import check_coverage
from office31_cli.recipes.predict.results import Predictions
from office31_cli.text import columns, listed, printable
from office31_cli.workflow import selection
from office31_cli.workflow.calibration import Calibration, load_calibration

BATCH = 16
"""Small batches stay in a processor's cache: larger ones are no faster there."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What to tell of which pictures."""

    pictures: tuple[Path, ...]
    """As named: files and folders."""
    count: int
    """How many pictures they hold."""
    path_width: int
    """Columns of a terminal that the longest path takes."""
    top: int
    min_confidence: float
    coverage: float | None
    calibration: Calibration | None
    """Not None where there is a `coverage`."""
    batch_size: int


def predict(
    pictures: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model: str | None = None,
    top: int = 3,
    min_confidence: float = 0.0,
    coverage: float | None = None,
    device: str = "auto",
    batch_size: int = BATCH,
    observer: Observer = SILENT,
) -> Predictions:
    """Name what is on pictures: on files, and on all that a folder holds below it.

    The predictions are made as they are gone through, in constant memory. The network abstains where it is less
    confident than `min_confidence`; with `coverage`, each prediction has a set of items that holds the right one with
    this probability. Without `model` the newest one is taken. A picture that cannot be read is left out and the
    observer warned; `check` of what is returned tells of it at the end.

    Raises `Misuse` for what does not exist or makes no sense, and `Failed` where there is no picture or, for
    `coverage`, no calibration.
    """
    check_device(device)
    _check_numbers(top, min_confidence, coverage, batch_size)
    named = tuple(map(Path, [pictures] if isinstance(pictures, str | os.PathLike) else pictures))
    for path in named:
        if not path.exists():
            raise Misuse(printable(str(path)), "there is no such picture or folder", "check the path")
    nothing = Failed("no stored model", "there is nothing to predict with", "run: office31 pretrain --domain amazon")
    entry = selection.model_of(model, nothing)
    calibration = load_calibration(entry)
    if coverage is not None and calibration is None:
        raise Failed(
            f"--coverage {coverage}",
            f"{entry.name} has no calibration, for want of held-out photographs",
            "leave it out, or train a model with --held-out above 0",
        )
    count, widest = _look_through(named, observer)
    asked = Asked(
        pictures=named,
        count=count,
        path_width=widest,
        top=top,
        min_confidence=min_confidence,
        coverage=coverage,
        calibration=calibration,
        batch_size=batch_size,
    )
    selection.tell_model(model, entry, observer)
    from office31_cli.recipes.predict import compute  # torch, 3 s: only now that all that was typed makes sense

    return compute.predictions(entry, asked, device=device, observer=observer)


def _check_numbers(top: int, min_confidence: float, coverage: float | None, batch_size: int) -> None:
    for option, value in (("--top", top), ("--batch-size", batch_size)):
        if value < 1:
            raise Misuse(f"{option} {value}", "too small", "use 1 or more")
    if not 0 <= min_confidence <= 1:
        raise Misuse(f"--min-confidence {min_confidence}", "not a probability", "use a number from 0 to 1")
    if coverage is not None:
        check_coverage(coverage)


def _look_through(named: tuple[Path, ...], observer: Observer) -> tuple[int, int]:
    """How many pictures there are, and the columns that the longest path takes; raises `Failed` where there are none.

    They are not kept: a second look when they are read costs less than the memory of a million paths.
    """
    count, widest, empty = 0, 0, []
    for path in named:
        before = count
        for each in found.pictures([path], observer):
            count, widest = count + 1, max(widest, columns(printable(str(each.path))))
        if count == before:
            empty.append(printable(str(path)))
    if not count:
        kinds = ", ".join(sorted(EXTENSIONS))
        raise Failed(
            listed(empty) or "nothing", f"there are no pictures in it ({kinds})", "name pictures, or a folder with some"
        )
    for folder in empty:
        observer.warn(f"{folder}: there are no pictures in it")
    return count, widest
