"""The line about runs that resumed others, and the commands that cannot make their models again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from office31_cli.recipes.report import provenance
from office31_cli.registry import Card, Registry
from office31_cli.workflow import forced_resume
from tests.helpers.small_training import make_things, trained

STEPS = [forced_resume.build_step(7, {"settings.lr": (0.01, 0.5)})]


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Registry().find(trained(make_things(tmp_path / "things", "shop")).id).card


def configured(card: Card, **more: Any) -> Card:
    return replace(card, configuration={**card.configuration, **more})


def test_each_step_is_told_with_what_was_different() -> None:
    assert forced_resume.describe(STEPS) == "resumed epoch 7 of a run whose settings.lr was 0.01"
    two = [*STEPS, forced_resume.build_step(9, {"train": ("all", "head"), "seed": (1, 2)})]
    assert forced_resume.describe(two).endswith("was 0.01, then epoch 9 of a run whose train was all, seed was 1")


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_of_other_models_nothing_is_told(nothing: object) -> None:
    assert forced_resume.describe(nothing) == ""


@pytest.mark.parametrize(
    "foreign", [7, "yes", [7], [{}], [{"epoch": 1, "differing": 3}], [{"epoch": 1, "differing": {"lr": 3}}]]
)
def test_a_foreign_card_is_told_of_without_its_details(foreign: object) -> None:
    assert forced_resume.describe(foreign) == "resumed a run of another configuration"


def test_what_could_steer_the_terminal_or_is_long_is_neither() -> None:
    told = forced_resume.describe([forced_resume.build_step(1, {"train": ("\x1b[31m" + "x" * 1000, "head")})])
    assert "\x1b" not in told
    assert len(told) < 120


def test_a_forced_model_is_an_exception_to_the_commands_that_make_it_again(card: Card) -> None:
    assert provenance.build_repeat_commands([("plain", card)])[1] == []
    (note,) = provenance.build_repeat_commands([("odd", configured(card, forced=STEPS)), ("plain", card)])[1]
    assert note.startswith("odd is an exception, with what was made from it: it is not bit-identical")
    assert note.endswith("resumed epoch 7 of a run whose settings.lr was 0.01")
