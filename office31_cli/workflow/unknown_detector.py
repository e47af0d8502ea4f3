"""Tells photographs of items that a stored network does not know: a score of unknownness and its threshold.

It is kept beside the network's weights. Without it, a network names one of its items for whatever it is shown.
"""

import base64
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from office31_cli.errors import Failed, Misuse, Refused
from office31_cli.metrics.unknown import entropy, mixture_threshold, threshold_for_rate
from office31_cli.outputs.base import FloatArray
from office31_cli.registry import Entry, strict_json
from office31_cli.registry.layout import read_small
from office31_cli.workflow.item_sets import UNKNOWN_ITEM

UNKNOWN_FILE = "unknown.json"
"""The model's file; a model without held-out photographs, or of an earlier version, has none."""

KNOWN = "known"
"""The score of heads that say whether each item is shown at all, and the name that methods train them under."""

RATE = 0.05
"""The share of known photographs that a threshold may lose unless another is asked for."""

_LARGEST = 1 << 26
"""Bytes of the largest record."""

_QUANTILES = 1001
"""The most scores of known photographs that are kept: thresholds are as fine as a tenth of a percent."""


@dataclass(frozen=True, kw_only=True)
class Heads:
    """One head an item on the features that the item's logits are computed from: above 0 it says that it is shown."""

    weight: FloatArray
    """(K, d)."""
    bias: FloatArray
    """(K,)."""

    def encode(self) -> dict[str, Any]:
        """As JSON: the shape, and the numbers as float32."""
        joined = np.concatenate([self.weight, self.bias[:, None]], 1).astype("<f4")
        return {"shape": list(joined.shape), "float32": base64.b64encode(joined.tobytes()).decode()}

    @classmethod
    def decode(cls, stored: Any) -> Self:
        """The inverse of `encode`; raises KeyError, TypeError or ValueError where `stored` is something else."""
        rows, columns = stored["shape"]
        raw = np.frombuffer(base64.b64decode(stored["float32"], validate=True), dtype="<f4")
        joined = raw.reshape(rows, columns).astype(np.float64)
        if columns < 2 or not np.isfinite(joined).all():
            raise ValueError("no weights of heads")
        return cls(weight=joined[:, :-1], bias=joined[:, -1])


@dataclass(frozen=True, kw_only=True)
class UnknownDetector:
    """A score of unknownness, and what known photographs score."""

    score: str
    """`entropy` of the item's probabilities, or `known`: minus the logit of the predicted item's own head."""
    threshold: float
    """A photograph with a larger score is taken for unknown, unless a rate asks for another threshold."""
    known: tuple[float, ...]
    """The scores of known photographs, ascending: from them follows the threshold for any rate."""
    fitted_on: str
    """In words, such as `amazon, held out`."""
    heads: Heads | None = None
    """Those of the score `known`."""

    @classmethod
    def fit(
        cls,
        scores: FloatArray,
        *,
        score: str = "entropy",
        fitted_on: str,
        heads: Heads | None = None,
        weights: "FloatArray | None" = None,
        threshold: float | None = None,
    ) -> Self:
        """From the scores (n,) of known photographs, n > 0; without a `threshold` it loses `RATE` of them.

        With `weights` (n,), each is known with that probability, and counts accordingly.
        """
        known = np.sort(scores)
        if weights is not None:
            order = np.argsort(scores, kind="stable")
            shares = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
            below = weights[order].cumsum() / weights.sum()
            known = scores[order][np.searchsorted(below, shares).clip(max=len(scores) - 1)]
        elif len(scores) > _QUANTILES:
            known = np.quantile(scores, np.linspace(0, 1, _QUANTILES))
        if threshold is None:
            threshold = min(threshold_for_rate(known, RATE), float(known.max()))
        return cls(score=score, threshold=threshold, known=tuple(known.tolist()), fitted_on=fitted_on, heads=heads)

    def scores(self, probabilities: FloatArray, features: FloatArray) -> FloatArray:
        """The scores of unknownness (n,) of photographs: the larger, the less they look like any item.

        `probabilities` (n, K) of the items, at temperature 1, and `features` (n, d), the inputs of the last layer that
        predicts the item.
        """
        if self.heads is None:
            return entropy(probabilities)
        rows: NDArray[np.int64] = probabilities.argmax(1)
        scores: FloatArray = -(features * self.heads.weight[rows]).sum(1) - self.heads.bias[rows]
        return scores

    def threshold_at(self, rate: float) -> float:
        """The threshold that loses at most this share of photographs like the known ones, 0 < rate < 1."""
        return min(threshold_for_rate(np.array(self.known), rate), self.known[-1])

    def encode(self) -> bytes:
        """The bytes to store."""
        return strict_json.encode_canonical(
            asdict(self) | {"heads": None if self.heads is None else self.heads.encode()}
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The inverse of `encode`; raises KeyError, TypeError or ValueError where `raw` is something else."""
        stored = strict_json.parse(raw, _LARGEST)
        known = tuple(_finite(score) for score in stored["known"])
        heads = None if stored["heads"] is None else Heads.decode(stored["heads"])
        if not known or list(known) != sorted(known) or (heads is None) != (stored["score"] == "entropy"):
            raise ValueError("no scores of known photographs")
        return cls(
            score=str(stored["score"]),
            threshold=_finite(stored["threshold"]),
            known=known,
            fitted_on=str(stored["fitted_on"]),
            heads=heads,
        )


def fit_target_detector(
    probabilities: FloatArray,
    features: FloatArray,
    known: "FloatArray | None",
    heads: Heads | None,
    fitted_on: str,
    threshold: float | None = None,
) -> UnknownDetector:
    """The detector of a network adapted to photographs without labels, from its outputs for them.

    `probabilities` (n, K), `features` (n, d); each photograph is known with the probability `known` (n,), or all are.
    Unless the method has a `threshold` of its own it is, where some may be unknown, that of a two-component mixture of
    the scores.
    """
    empty = UnknownDetector(score="", threshold=0.0, known=(), fitted_on="", heads=heads)
    scores = empty.scores(probabilities, features)
    apart = known is not None and float(known.sum()) > 0 and scores.min() < scores.max()
    return UnknownDetector.fit(
        scores,
        score="entropy" if heads is None else KNOWN,
        fitted_on=fitted_on,
        heads=heads,
        weights=known if apart else None,
        threshold=mixture_threshold(scores) if apart and threshold is None else threshold,
    )


def load_detector(entry: Entry) -> UnknownDetector | None:
    """What is stored with a model to tell the unknown; None where nothing is. Raises `Refused` where it is damaged."""
    if UNKNOWN_FILE not in entry.card.files:
        return None
    path = entry.verified_path(UNKNOWN_FILE)
    try:
        return UnknownDetector.decode(read_small(path, _LARGEST))
    except (KeyError, TypeError, ValueError):
        raise Refused(
            str(path), "it does not say how to tell the unknown", "remove the model with: office31 models rm"
        ) from None


def require_detector(entry: Entry, rate: float) -> UnknownDetector:
    """The model's detector, for `--unknown` with this rate.

    Raises `Misuse` for a rate that is none, and `Failed` where the model has no detector or an item of that name.
    """
    option = f"--unknown {rate:g}"
    if not 0 < rate < 1:
        raise Misuse(option, "not between 0 and 1", f"write --unknown {RATE}: the share of known ones that may be lost")
    if UNKNOWN_ITEM in entry.card.items:
        raise Failed(option, f"{entry.name} has an item of that name", "leave it out")
    detector = load_detector(entry)
    if detector is None:
        raise Failed(
            option,
            f"{entry.name} has no threshold, for want of held-out photographs",
            "leave it out, or train a model with --held-out above 0",
        )
    return detector


def _finite(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise ValueError("not a number that it can be")
    return float(value)
