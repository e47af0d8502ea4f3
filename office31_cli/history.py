"""The rows of a training's history, one an epoch: mean losses by their names, and what was measured after them."""

from collections.abc import Iterable, Mapping
from math import nan
from typing import Any

LOSS, VALIDATOR, VALIDATION, HELD_OUT = "loss", "validator", "validation", "held-out"
"""What a value of a row belongs to: beside losses what label-free validators say, how the labels that stop a training
early are answered, and those that were held out."""

_LARGEST = 1e100
"""What lies beyond was never measured, in single precision, and the sums and scales of a drawing could overflow."""


def measurement_key(group: str, name: str) -> str:
    """The key of what was measured: `validator im`, `held-out item`."""
    return f"{group} {name}"


def parse_key(key: str) -> tuple[str, str]:
    """The inverse of `measured`; a loss is called by its name alone."""
    group, space, name = key.partition(" ")
    return (group, name) if space and group in (VALIDATOR, VALIDATION, HELD_OUT) else (LOSS, key)


def total_losses(history: Iterable[Mapping[str, Any]]) -> list[float]:
    """The sum of each epoch's losses; epochs without any are left out."""
    rows = ([value for key, value in row.items() if parse_key(key)[0] == LOSS] for row in history)
    return [sum(losses) for losses in rows if losses]


def curves(history: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The course of each value by its key, over the epochs that have it; a foreign card's row may hold anything."""
    found: dict[str, list[float]] = {}
    for row in history:
        for key, value in row.items():
            if (told := finite_or_nan(value)) == told:
                found.setdefault(key, []).append(told)
    return found


def finite_or_nan(value: object) -> float:
    """A value of a row, or of a list like it; not a number where a foreign card has something else there."""
    return float(value) if type(value) in (int, float) and abs(value) <= _LARGEST else nan  # type: ignore[arg-type]
