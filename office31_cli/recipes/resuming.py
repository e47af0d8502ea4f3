"""`--resume` where no checkpoint of this very run is kept: one of almost the same run may be what was meant."""

import json
from typing import Any

from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.errors import Misuse
from office31_cli.registry import strict_json
from office31_cli.text import listed, printable

_ASKED_FOR = ("command", "domains", "start", "request.target", "request.method", "request.strategy", "settings.seed")
"""Runs that differ in one of these are different pieces of work; in anything else, the same one done otherwise."""

_LONGEST = 40


def check_same(checkpoints: Checkpoints) -> None:
    """Raise `Misuse` where an interrupted run of the same piece of work differs in how it is done, naming the fields.

    To go on from it would give neither its result nor that of the run that was asked for.
    """
    if checkpoints.begun():
        return
    wanted = _flat(json.loads(strict_json.canonical(checkpoints.run)))  # as the others are stored
    others = [found for found in map(_flat, checkpoints.others()) if _same_work(found, wanted)]
    if not others:
        return
    differences = min((_differences(found, wanted) for found in others), key=len)
    raise Misuse(
        "--resume",
        f"the run that was interrupted differs: {listed(differences, 4)}",
        "repeat its settings to go on from it, or leave --resume out to begin anew",
    )


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """What lies in nested objects, by the names of the keys that lead to it."""
    if not isinstance(value, dict):
        return {name: value}
    return {path: end for key, inner in value.items() for path, end in _flat(inner, f"{name}.{key}".strip(".")).items()}


def _same_work(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(found.get(name) == wanted.get(name) for name in _ASKED_FOR)


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    names = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    return [_difference(name, found.get(name), wanted.get(name)) for name in names]


def _difference(name: str, found: Any, wanted: Any) -> str:
    if isinstance(found, list) or isinstance(wanted, list):
        return f"{name} is not the same"
    was, now = (printable(str(value)[:_LONGEST]) for value in (found, wanted))
    return f"{name} was {was} and is {now} now"
