"""`--resume` where no checkpoint of this very run is kept: one of almost the same run may be what was meant."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from office31_cli.errors import Misuse
from office31_cli.keys import run_key
from office31_cli.registry import strict_json
from office31_cli.text import join_names, pluralize, printable

if TYPE_CHECKING:
    from office31_cli.engine.checkpoints import Checkpoints, OtherRun


_ASKED_FOR = ("command", "domains", "start", "request.target", "request.method", "request.strategy", "settings.seed")
"""Runs that differ in one of these are different pieces of work; in anything else, the same one done otherwise."""

_LONGEST = 40


Differences = dict[str, tuple[Any, Any]]
"""By the field that differs: what it was in the interrupted run, and what it is now."""


def resume_from_another(checkpoints: "Checkpoints", *, force: bool) -> "Checkpoints | None":
    """What to go on from where an interrupted run of the same piece of work differs in how it is done; else None.

    Raises `Misuse` naming the fields unless `force` asks for it: to go on from the one with the fewest differences
    gives neither its result nor that of the run that was asked for. The run that does is another one, by what is
    `forced` in it; interrupted, it is itself what differs least, and goes on.
    """
    from office31_cli.engine import process_group

    nearest = process_group.run_on_first(lambda: _nearest(checkpoints))
    if nearest is None:
        return None
    other, differences = nearest
    before = other.run.get(KEY, [])
    if not force:
        told = [_difference(name, *values) for name, values in differences.items()] or [
            "it was itself forced to go on from another"
        ]
        raise Misuse(
            "--resume",
            f"the run that was interrupted differs: {join_names(told, 4)}",
            "repeat its settings to go on from it, or add --force, or leave --resume out to begin anew",
        )
    if other.epoch > (epochs := checkpoints.run["settings"]["epochs"]):
        raise Misuse(
            "--force",
            f"the run that was interrupted has done {pluralize(other.epoch, 'epoch')}, and {epochs:,} are asked for",
            "use more --epochs, or leave --resume and --force out",
        )
    if not differences:
        return replace(checkpoints, run={**checkpoints.run, KEY: before})
    steps = [*before, step(other.epoch, {name: (_short(a), _short(b)) for name, (a, b) in differences.items()})]
    return replace(checkpoints, run={**checkpoints.run, KEY: steps}, origin=other.folder)


def _nearest(checkpoints: "Checkpoints") -> "tuple[OtherRun, Differences] | None":
    """The interrupted run of the same piece of work with the fewest differences, where this very one has not begun.

    Of all the others only the descriptions are read; the tensors of those alone that would be gone on from.
    """
    if checkpoints.exist():
        return None
    wanted = _flat(json.loads(strict_json.encode_canonical(checkpoints.run)))  # as the others are stored
    known = ((other, _flat({**other.run, KEY: None})) for other in checkpoints.other_runs())
    same = [(other, _differences(run, wanted)) for other, run in known if _same_work(run, wanted)]
    for other, differences in sorted(same, key=lambda each: (len(each[1]), len(each[0].run.get(KEY, [])))):
        if (whole := checkpoints.find_whole(other)) is not None:
            return whole, differences
    return None


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """What lies in nested objects, by the names of the keys that lead to it."""
    if not isinstance(value, dict):
        return {name: value}
    return {path: end for key, inner in value.items() for path, end in _flat(inner, f"{name}.{key}".strip(".")).items()}


def _same_work(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(found.get(name) == wanted.get(name) for name in _ASKED_FOR)


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> Differences:
    names = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    return {name: (found.get(name), wanted.get(name)) for name in names}


def _difference(name: str, found: Any, wanted: Any) -> str:
    if isinstance(found, list) or isinstance(wanted, list):
        return f"{name} is not the same"
    was, now = (printable(str(value)[:_LONGEST]) for value in (found, wanted))
    return f"{name} was {was} and is {now} now"


def _short(value: Any) -> Any:
    """A list, of thousands of photographs for instance, by its hash."""
    return run_key(listed=value) if isinstance(value, list) else value


KEY = "forced"
"""Of a checkpoint's run, and of a card's configuration."""

_LONGEST = 40


def step(epoch: int, differences: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """One more: after `epoch` epochs, with what each field that differs was and is."""
    return {"epoch": epoch, "differing": {field: {"was": was, "is": now} for field, (was, now) in differences.items()}}


def in_words(steps: Any) -> str:
    """`went on from epoch 7 of a run whose settings.lr was 0.01`; nothing where there are no such steps."""
    if not steps:
        return ""
    try:
        return f"went on {', then '.join(map(_from, steps))}"
    except (KeyError, TypeError, AttributeError):  # a foreign card's
        return "went on from a run of another configuration"


def _from(step: dict[str, Any]) -> str:
    differences = [f"{field} was {value['was']}"[: len(field) + _LONGEST] for field, value in step["differing"].items()]
    return printable(f"from epoch {step['epoch']} of a run whose {join_names(differences, 4)}")
