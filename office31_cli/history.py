"""The rows of a training's history, one an epoch: mean losses by name, and measurements after the epoch."""

from collections.abc import Iterable, Mapping
from math import isnan, nan
from typing import Any

LOSS, VALIDATOR, VALIDATION, HELD_OUT = "loss", "validator", "validation", "held-out"
"""The groups of a row's values: losses, scores of label-free validators, and accuracies on the validation set, which
stops a training early, and on the held-out set."""

_LARGEST = 1e100
"""Larger values were not measured, in single precision, and would overflow the sums and scales of a chart."""


def measurement_key(group: str, name: str) -> str:
    """The key of a measurement: `validator im`, `held-out item`."""
    return f"{group} {name}"


def parse_key(key: str) -> tuple[str, str]:
    """Group and name of a key, the inverse of `measurement_key`; the key of a loss is its name alone."""
    group, space, name = key.partition(" ")
    return (group, name) if space and group in (VALIDATOR, VALIDATION, HELD_OUT) else (LOSS, key)


def total_losses(history: Iterable[Mapping[str, Any]]) -> list[float]:
    """The sum of each epoch's losses; epochs without any are left out."""
    rows = ([value for key, value in row.items() if parse_key(key)[0] == LOSS] for row in history)
    return [sum(losses) for losses in rows if losses]


def curves(history: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """By key the values of the epochs that have one; a card from elsewhere may hold anything, and what is no number is
    left out."""
    by_key: dict[str, list[float]] = {}
    for row in history:
        for key, value in row.items():
            if not isnan(number := finite_or_nan(value)):
                by_key.setdefault(key, []).append(number)
    return by_key


def finite_or_nan(value: object) -> float:
    """A value of a row as a float; NaN where a card from elsewhere holds something else, or a number beyond reason."""
    return float(value) if type(value) in (int, float) and abs(value) <= _LARGEST else nan  # type: ignore[arg-type]
