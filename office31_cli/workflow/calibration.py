"""How far a stored model's confidence can be trusted: a temperature and conformal scores, kept beside its weights."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from office31_cli.errors import Misuse, Refused
from office31_cli.metrics.accuracy import BoolArray, IntArray
from office31_cli.metrics.calibration import (
    COLDEST,
    HOTTEST,
    FloatArray,
    apply_temperature,
    cross_apply_temperature,
    expected_calibration_error,
    fit_temperature,
)
from office31_cli.metrics.conformal import (
    conformal_scores,
    conformal_threshold,
    cross_prediction_sets,
    prediction_sets,
)
from office31_cli.registry import Entry, strict_json
from office31_cli.registry.layout import read_small
from office31_cli.results import COVERAGE
from office31_cli.workflow import seen_labels
from office31_cli.workflow.seen_labels import SeenLabels

if TYPE_CHECKING:
    from office31_cli.data.photographs import Photographs

CALIBRATION_FILE = "calibration.json"
"""The model's file; one that was stored before there were any has none."""

_LARGEST = 1 << 26

_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What mends the probabilities of the items, and what it was fitted on."""

    temperature: float
    fitted_on: str
    """In words, such as `amazon, held out`."""
    labels: SeenLabels
    """The photographs whose labels it was fitted to, by domain, as `labelled` records them."""
    ece_before: float
    """Expected calibration error on these photographs."""
    ece_after: float
    """The same, each fifth of them at the temperature that the others ask for."""
    scores: tuple[float, ...]
    """The conformal score of each of these photographs, ascending, by the network's own probabilities.

    At the temperature, which is fitted to the same labels, their promise would no longer hold to the letter.
    """

    @property
    def photographs(self) -> int:
        """How many it was fitted on."""
        return len(self.scores)

    @classmethod
    def fit(
        cls, probabilities: FloatArray, actual: IntArray, digests: Sequence[str], *, fitted_on: str, labels: SeenLabels
    ) -> Self:
        """Of item probabilities (n, K) and the actual items (n,), n > 0; twins have the same of the n `digests`."""
        crossed = cross_apply_temperature(probabilities, actual, assign_folds(digests))
        return cls(
            temperature=fit_temperature(probabilities, actual),
            fitted_on=fitted_on,
            labels=labels,
            ece_before=expected_calibration_error(probabilities, actual),
            ece_after=expected_calibration_error(crossed, actual),
            scores=tuple(conformal_scores(probabilities, actual).tolist()),
        )

    def headline(self) -> dict[str, Any]:
        """What a model's card says of it."""
        told = {name: getattr(self, name) for name in ("temperature", "fitted_on", "ece_before", "ece_after")}
        return told | {"photographs": self.photographs, "labels_used": seen_labels.count_labels(self.labels)}

    def calibrate(self, probabilities: FloatArray) -> FloatArray:
        """Item probabilities (n, K), at the temperature."""
        return apply_temperature(probabilities, self.temperature)

    def prediction_sets(self, probabilities: FloatArray, coverage: float) -> BoolArray:
        """Which items (n, K) to name so that the actual one is among them with probability `coverage` or more.

        `probabilities` are the network's own. It holds on photographs like those that it was fitted on. Raises
        ValueError unless 0 < coverage < 1.
        """
        return prediction_sets(probabilities, conformal_threshold(np.array(self.scores), coverage))

    def judge(
        self, probabilities: FloatArray, actual: IntArray, photographs: "Photographs", coverage: float
    ) -> "CrossFitted":
        """What it makes of item probabilities (n, K) of `photographs` whose items (n,) are known, n > 0, for scoring.

        Those whose labels it was fitted to are judged as if only the other four fifths of them had been.
        """
        own = seen_labels.find_seen(photographs, self.labels)
        made, sets = self.calibrate(probabilities), self.prediction_sets(probabilities, coverage)
        if own.any():
            parts = assign_folds([digest for digest, known in zip(photographs.digests, own, strict=True) if known])
            made[own] = cross_apply_temperature(probabilities[own], actual[own], parts)
            sets[own] = cross_prediction_sets(probabilities[own], actual[own], parts, coverage)
        return CrossFitted(made, sets, int(own.sum()))

    def encode(self) -> bytes:
        """As stored."""
        return strict_json.canonical(asdict(self))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The inverse of `encode`; raises KeyError, TypeError or ValueError where `raw` is something else."""
        stored = strict_json.parse(raw, _LARGEST)
        return cls(
            temperature=_number(stored["temperature"], COLDEST, HOTTEST),
            fitted_on=_text(stored["fitted_on"]),
            labels=_labels(stored["labels"]),
            ece_before=_number(stored["ece_before"], 0, 1),
            ece_after=_number(stored["ece_after"], 0, 1),
            scores=_ascending(stored["scores"]),
        )


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """Item probabilities (n, K) and sets (n, K) by a calibration that has not seen the labels of these photographs.

    `own` is the number of those whose labels it had, and left out for that.
    """

    probabilities: FloatArray
    sets: BoolArray
    own: int


def load_calibration(entry: Entry) -> Calibration | None:
    """What is stored beside a model; None where nothing is. Raises `Refused` where the record is damaged."""
    if CALIBRATION_FILE not in entry.card.files:
        return None
    path = entry.verified_path(CALIBRATION_FILE)
    try:
        return Calibration.decode(read_small(path, _LARGEST))
    except (KeyError, TypeError, ValueError):
        raise Refused(
            str(path), "it is not a record of a calibration", "remove the model with: office31 models rm"
        ) from None


def check_coverage(coverage: float) -> None:
    """Raise `Misuse` unless it lies between 0 and 1."""
    if not 0 < coverage < 1:
        raise Misuse(f"--coverage {coverage:g}", "not between 0 and 1", f"write --coverage {COVERAGE}")


def assign_folds(digests: Sequence[str]) -> IntArray:
    """In which of five parts each photograph (n,) is, by its content: twins are in the same."""
    return np.array([int(digest[:8], 16) % _FOLDS for digest in digests], dtype=np.int64)


def _number(value: Any, least: float, most: float = inf) -> float:
    if type(value) not in (int, float) or not (isfinite(value) and least <= value <= most):
        raise ValueError("not a number that it can be")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _labels(value: Any) -> SeenLabels:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return {domain: [_text(digest) for digest in _list(digests)] for domain, digests in value.items()}


def _ascending(value: Any) -> tuple[float, ...]:
    scores = tuple(_number(score, 0) for score in _list(value))
    if not scores or list(scores) != sorted(scores):
        raise ValueError("not ascending")
    return scores
