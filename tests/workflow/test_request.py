"""What the user may choose: bounds that Python and the command line share, and each command's own defaults."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from office31_cli.cli.main import app
from office31_cli.engine.settings import MOST_HELD_OUT, NO_REFINEMENTS
from office31_cli.errors import Misuse
from office31_cli.workflow.finetune_request import _check_labels
from office31_cli.workflow.request import Options, build_request
from tests.helpers.small_training import make_things


def shares(group: Any) -> Iterator[tuple[str, Any]]:
    """By command its option `--held-out`, if it has one."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from shares(command)
        else:
            yield from ((name, option) for option in command.params if "--held-out" in option.opts)


@pytest.mark.parametrize("share", [0.95, 1, -0.1, math.nan])
def test_a_share_that_the_command_line_refuses_is_refused_in_python(share: float) -> None:
    with pytest.raises(Misuse, match=f"use a share from 0 to {MOST_HELD_OUT}"):
        Options(held_out=share).check()


@pytest.mark.parametrize("share", [0, 0.5, MOST_HELD_OUT, None])
def test_the_bounds_themselves_are_taken(share: float | None) -> None:
    Options(held_out=share).check()


def test_the_command_line_has_the_same_bound_and_shows_each_commands_default() -> None:
    found = dict(shares(typer.main.get_command(app)))
    assert found.keys() >= {"pretrain", "finetune", "adapt", "outputs", "optimizers", "chapter", "labels"}
    assert {(option.min, option.max) for option in found.values()} == {(0, MOST_HELD_OUT)}
    assert {name: option.default for name, option in found.items()} == dict.fromkeys(found)
    assert {name: option.show_default for name, option in found.items()} == dict.fromkeys(found, "0.2") | {"adapt": "0"}


def test_what_is_not_asked_for_is_the_commands_own(tmp_path: Path) -> None:
    things = str(make_things(tmp_path / "things", "shop"))
    given: dict[str, Any] = {"data": things, "backbone": "convnet", "weights": None}
    assert build_request("pretrain", ["shop"], **given, options=Options()).held_out == 0.2
    assert build_request("benchmark", ["shop"], **given, options=Options(), held_out=0.0).held_out == 0
    assert build_request("benchmark", ["shop"], **given, options=Options(held_out=0.3), held_out=0.0).held_out == 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 1.5}, r"^--epochs 1\.5: not a whole number; use 1 or more$"),
        ({"epochs": True}, r"^--epochs True: not a whole number"),
        ({"batch_size": 8.0}, r"^--batch-size 8\.0: not a whole number; use 2 or more$"),
        ({"seed": -1}, r"^--seed -1: too small; use 0 or more$"),
    ],
)
def test_numbers_are_checked_in_python_as_on_the_command_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(Misuse, match=message):
        Options(**options).check()


def test_a_number_of_labels_is_a_whole_one() -> None:
    with pytest.raises(Misuse, match=r"^--labels all: not a whole number; use 1 or more, or None for all$"):
        _check_labels("all", NO_REFINEMENTS)  # type: ignore[arg-type]
