"""`--resume` where this run has no checkpoint but a similar one does: refused by name of what differs, or forced.

A forced run starts from a checkpoint of another configuration, so it is no longer bit-identical; the card says so. It
may be interrupted and forced again, so what is recorded is a list: of each step the `epoch`, and what was `differing`,
by field what it `was` and `is`.
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from office31_cli.errors import Misuse
from office31_cli.keys import run_key
from office31_cli.registry import strict_json
from office31_cli.text import join_names, pluralize, printable

if TYPE_CHECKING:
    from office31_cli.engine.checkpoints import Checkpoints, OtherRun

KEY = "forced"
"""Of a checkpoint's run, and of a card's configuration."""

_SAME_WORK = ("command", "domains", "start", "request.target", "request.method", "request.strategy", "settings.seed")
"""Runs that differ in one of these are different pieces of work; in anything else, the same one done otherwise."""

_LONGEST = 40
"""Characters of a value in a message."""

Differences = dict[str, tuple[Any, Any]]
"""By the field that differs: its value in the interrupted run, and its value now."""


def find_similar_run(checkpoints: "Checkpoints", *, force: bool) -> "Checkpoints | None":
    """Checkpoints that start from the most similar interrupted run; None where this run or no similar one has any.

    Similar is a run of the same piece of work whose settings differ. Raises `Misuse` naming the differences unless
    `force` is given, and where the other run has trained for more epochs than are asked for. A forced run has an
    identity of its own, which holds the steps taken; interrupted, it is itself the most similar one.
    """
    from office31_cli.engine import process_group

    nearest = process_group.run_on_first(lambda: _find_nearest(checkpoints))
    if nearest is None:
        return None
    other, differences = nearest
    before = other.run.get(KEY, [])
    if not force:
        descriptions = [_describe_difference(name, *values) for name, values in differences.items()] or [
            "it was itself forced to start from another"
        ]
        raise Misuse(
            "--resume",
            f"the interrupted run differs: {join_names(descriptions, 4)}",
            "repeat its settings to resume it, add --force to resume it all the same, or leave --resume out",
        )
    if other.epoch > (epochs := checkpoints.run["settings"]["epochs"]):
        raise Misuse(
            "--force",
            f"the interrupted run has trained for {pluralize(other.epoch, 'epoch')}, and {epochs:,} are asked for",
            "use more --epochs, or leave --resume and --force out",
        )
    if not differences:
        return replace(checkpoints, run={**checkpoints.run, KEY: before})
    step = build_step(other.epoch, {name: (_shorten(a), _shorten(b)) for name, (a, b) in differences.items()})
    return replace(checkpoints, run={**checkpoints.run, KEY: [*before, step]}, origin=other.folder)


def build_step(epoch: int, differences: Differences) -> dict[str, Any]:
    """What a card records of one forced start: after `epoch` epochs, by field what it was and is."""
    return {"epoch": epoch, "differing": {field: {"was": was, "is": now} for field, (was, now) in differences.items()}}


def describe(steps: Any) -> str:
    """`resumed epoch 7 of a run whose settings.lr was 0.01`; an empty text where there are no such steps."""
    if not steps:
        return ""
    try:
        return f"resumed {', then '.join(map(_describe_step, steps))}"
    except (KeyError, TypeError, AttributeError):  # a foreign card's
        return "resumed a run of another configuration"


def _describe_step(step: dict[str, Any]) -> str:
    differences = [f"{field} was {value['was']}"[: len(field) + _LONGEST] for field, value in step["differing"].items()]
    return printable(f"epoch {step['epoch']} of a run whose {join_names(differences, 4)}")


def _find_nearest(checkpoints: "Checkpoints") -> "tuple[OtherRun, Differences] | None":
    """The interrupted run of the same piece of work with the fewest differences; None where this run has a checkpoint.

    Only the descriptions of the others are read, and the tensors of the one that is returned.
    """
    if checkpoints.exist():
        return None
    wanted = _flatten(json.loads(strict_json.encode_canonical(checkpoints.run)))  # as the others are stored
    known = ((other, _flatten({**other.run, KEY: None})) for other in checkpoints.other_runs())
    similar = [(other, _compare(run, wanted)) for other, run in known if _is_same_work(run, wanted)]
    for other, differences in sorted(similar, key=lambda each: (len(each[1]), len(each[0].run.get(KEY, [])))):
        if (whole := checkpoints.find_whole(other)) is not None:
            return whole, differences
    return None


def _flatten(value: Any, name: str = "") -> dict[str, Any]:
    """The values in nested objects, by the names of the keys that lead to them, such as `settings.lr`."""
    if not isinstance(value, dict):
        return {name: value}
    return {
        path: end for key, inner in value.items() for path, end in _flatten(inner, f"{name}.{key}".strip(".")).items()
    }


def _is_same_work(other: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(other.get(name) == wanted.get(name) for name in _SAME_WORK)


def _compare(other: dict[str, Any], wanted: dict[str, Any]) -> Differences:
    names = [name for name in {**wanted, **other} if other.get(name) != wanted.get(name)]
    return {name: (other.get(name), wanted.get(name)) for name in names}


def _describe_difference(name: str, was: Any, now: Any) -> str:
    if isinstance(was, list) or isinstance(now, list):
        return f"{name} is not the same"
    before, after = (printable(str(value)[:_LONGEST]) for value in (was, now))
    return f"{name} was {before} and is {after} now"


def _shorten(value: Any) -> Any:
    """A list, of thousands of photographs for instance, by its hash."""
    return run_key(listed=value) if isinstance(value, list) else value
