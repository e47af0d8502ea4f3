"""What `--resume --force` leaves behind: where a model went on from a run whose configuration was another.

It is a list, as such a run may be interrupted and gone on from in its turn: of each step the `epoch`, and what was
`differing`, by field what it `was` and `is`.
"""

from typing import Any

from office31_cli.text import listed, printable

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
    return printable(f"from epoch {step['epoch']} of a run whose {listed(differences, 4)}")
