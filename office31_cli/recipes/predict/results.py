"""What `office31 predict` returns: predictions, made while they are iterated over."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

from office31_cli.errors import Failed, Office31Error, Refused
from office31_cli.outputs.base import Output, PredictedValue
from office31_cli.text import pluralize


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The prediction for one picture."""

    path: str
    item: str | None
    """The likeliest item; `unknown` where the picture looks like none; None where the confidence is too low."""
    confidence: float
    """The probability of the likeliest item."""
    top: list[tuple[str, float]]
    """The likeliest items with their probabilities, the likeliest first."""
    outputs: dict[str, PredictedValue]
    """Predictions of the other outputs, by column."""
    set: list[str] | None
    """The prediction set with the target coverage, the likeliest item first; None without `coverage`."""

    def to_json(self) -> dict[str, Any]:
        """One of `pictures` in the object that `--json` prints."""
        outputs = {name: {"value": value, "confidence": sure} for name, (value, sure) in self.outputs.items()}
        told = asdict(self) | {"abstained": self.item is None, "outputs": outputs}
        return {key: value for key, value in told.items() if key != "set" or value is not None}


@dataclass(frozen=True)
class UnreadPicture:
    """A picture that could not be read."""

    path: str
    error: Office31Error

    def to_json(self) -> dict[str, Any]:
        """One of `unreadable` in the object that `--json` prints."""
        return {"path": self.path, "why": self.error.why}


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """The predictions of all pictures that can be read, in their order and as they are made: to be gone through once.

    `unreadable` grows meanwhile, and `check` is for the end.
    """

    model: str
    id: str
    items: tuple[str, ...]
    outputs: dict[str, Output]
    """What is answered beside the item, by column."""
    top: int
    """How many of the likeliest items each prediction has."""
    min_confidence: float
    coverage: float | None
    unknown: dict[str, float] | None = None
    """The `rate` of known photographs that may be called unknown, and the `threshold` of the score; None without."""
    calibrated_on: str | None
    """What the confidences were calibrated on; None where they are as the network has them."""
    pictures: int
    """How many were found."""
    path_width: int
    """Columns of a terminal that the longest path takes, without `folder`."""
    batches: Iterator[list[Prediction]]
    unreadable: list[UnreadPicture] = field(default_factory=list)
    folder: str = ""
    """What all paths begin with where one folder was named, its last separator included."""
    promised: bool = True
    """Whether the coverage holds on photographs like those: a calibration without labels promises none."""

    def __iter__(self) -> Iterator[Prediction]:
        return chain.from_iterable(self.batches)

    def to_json(self) -> dict[str, Any]:
        """The object that `office31 predict --json` prints, all at once."""
        return self.head() | {"pictures": [each.to_json() for each in self]} | self.tail()

    def head(self) -> dict[str, Any]:
        """What of it is known before the first picture."""
        return {
            "model": self.model,
            "id": self.id,
            "calibrated": self.calibrated_on is not None,
            "calibrated_on": self.calibrated_on,
            "min_confidence": self.min_confidence,
            "coverage": self.coverage,
            "unknown": self.unknown,
        }

    def tail(self) -> dict[str, Any]:
        """What of it is known after the last one."""
        return {"unreadable": [each.to_json() for each in self.unreadable]}

    def check(self, *, skip_bad: bool = False) -> None:
        """Raise `Refused` where a picture was refused, else `Failed` where one was not read, unless with `skip_bad`."""
        refused = [unread.error for unread in self.unreadable if isinstance(unread.error, Refused)]
        unread = [] if skip_bad else [unread.error for unread in self.unreadable]
        for kind, errors in ((Refused, refused), (Failed, unread)):
            if errors:
                first, others = errors[0], len(errors) - 1
                more = f" (and {pluralize(others, 'other')})" if others else ""
                what = f"{len(errors):,} of {pluralize(self.pictures, 'picture')}"
                raise kind(what, f"{first.what} {first.why}{more}", first.fix)
