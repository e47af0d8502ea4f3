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
"""The model's file; models of the first versions have none."""

_LARGEST = 1 << 26
"""Bytes of the largest record."""

_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A temperature and conformal scores for the probabilities of the items, and what they were fitted on."""

    temperature: float
    fitted_on: str
    """In words, such as `amazon, held out`."""
    labels: SeenLabels
    """The photographs whose labels it was fitted to, by domain, as `seen_labels` records them."""
    ece_before: float
    """Expected calibration error on these photographs, at temperature 1."""
    ece_after: float
    """The same, cross-fitted: each fifth of them at the temperature that was fitted on the others."""
    scores: tuple[float, ...]
    """The conformal score of each of these photographs, ascending, at temperature 1.

    The temperature is fitted to the same labels: with it the scores would no longer guarantee the coverage.
    """

    @property
    def photographs(self) -> int:
        """The number of photographs that it was fitted on."""
        return len(self.scores)

    @classmethod
    def fit(
        cls, probabilities: FloatArray, actual: IntArray, digests: Sequence[str], *, fitted_on: str, labels: SeenLabels
    ) -> Self:
        """Fit it to item probabilities (n, K) and the actual items (n,), n > 0.

        `digests` are the photographs' n hashes: identical photographs are never on both sides of the cross-fitting.
        """
        cross_fitted = cross_apply_temperature(probabilities, actual, hash_folds(digests))
        return cls(
            temperature=fit_temperature(probabilities, actual),
            fitted_on=fitted_on,
            labels=labels,
            ece_before=expected_calibration_error(probabilities, actual),
            ece_after=expected_calibration_error(cross_fitted, actual),
            scores=tuple(conformal_scores(probabilities, actual).tolist()),
        )

    def headline(self) -> dict[str, Any]:
        """What is recorded of it in a model's card."""
        figures = {name: getattr(self, name) for name in ("temperature", "fitted_on", "ece_before", "ece_after")}
        return figures | {"photographs": self.photographs, "labels_used": seen_labels.count_labels(self.labels)}

    def calibrate(self, probabilities: FloatArray) -> FloatArray:
        """The probabilities (n, K) at the temperature."""
        return apply_temperature(probabilities, self.temperature)

    def prediction_sets(self, probabilities: FloatArray, coverage: float) -> BoolArray:
        """The prediction sets (n, K): items of which one is the actual item with probability `coverage` or more.

        `probabilities` are the network's, at temperature 1. The coverage is that of photographs like those it was
        fitted on. Raises ValueError unless 0 < coverage < 1.
        """
        return prediction_sets(probabilities, conformal_threshold(np.array(self.scores), coverage))

    def cross_fit(
        self, probabilities: FloatArray, actual: IntArray, photographs: "Photographs", coverage: float
    ) -> "CrossFitted":
        """Calibrated probabilities (n, K) and prediction sets of labelled photographs, n > 0, fit to be scored.

        `actual` (n,) are their items. Photographs whose labels the calibration was fitted to are cross-fitted: each
        fifth of them is calibrated by the other four.
        """
        fitted = seen_labels.find_seen(photographs, self.labels)
        calibrated, sets = self.calibrate(probabilities), self.prediction_sets(probabilities, coverage)
        if fitted.any():
            folds = hash_folds([digest for digest, each in zip(photographs.digests, fitted, strict=True) if each])
            calibrated[fitted] = cross_apply_temperature(probabilities[fitted], actual[fitted], folds)
            sets[fitted] = cross_prediction_sets(probabilities[fitted], actual[fitted], folds, coverage)
        return CrossFitted(calibrated, sets, int(fitted.sum()))

    def encode(self) -> bytes:
        """The bytes to store."""
        return strict_json.encode_canonical(asdict(self))

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
    """Probabilities (n, K) and prediction sets (n, K), of each photograph by a calibration without its label."""

    probabilities: FloatArray
    sets: BoolArray
    fitted: int
    """Photographs whose labels the stored calibration was fitted to."""


def load_calibration(entry: Entry) -> Calibration | None:
    """The calibration that is stored with a model; None where there is none. Raises `Refused` where it is damaged."""
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
    """Raise `Misuse` unless the coverage lies between 0 and 1."""
    if not 0 < coverage < 1:
        raise Misuse(f"--coverage {coverage:g}", "not between 0 and 1", f"write --coverage {COVERAGE}")


def hash_folds(digests: Sequence[str]) -> IntArray:
    """The fold (n,), of five, of each photograph by its hash: identical photographs are in the same one."""
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
