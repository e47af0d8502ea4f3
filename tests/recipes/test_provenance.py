"""What to type to make a model again, as far as its card and its ancestors' record it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from office31_cli.recipes.report import provenance
from office31_cli.registry import Card, Registry
from tests.helpers.small_training import make_things, trained


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Registry().find(trained(make_things(tmp_path / "things", "shop")).id).card


def recorded(card: Card, **resolved: Any) -> Card:
    """With other options."""
    options = card.configuration["options"]
    changed = {**options, "resolved": {**options["resolved"], **resolved}}
    return replace(card, configuration={**card.configuration, "options": changed})


def test_a_model_of_an_earlier_version_is_shown_without_commands_and_it_is_said_why(card: Card) -> None:
    earlier = {name: value for name, value in card.configuration.items() if name != "options"}
    chain = [("old", replace(card, configuration=earlier)), ("new", card)]
    commands, notes = provenance.build_repeat_commands(chain)
    assert commands == []
    assert notes == ["No command is shown: an earlier version stored old, and did not record all of its options"]


def test_an_imported_model_is_made_by_no_command(card: Card) -> None:
    commands, notes = provenance.build_repeat_commands([("brought", replace(card, command="import", configuration={}))])
    assert commands == []
    assert notes == ["No command makes the model again: brought was trained elsewhere and imported"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("skip_bad", True, ["--skip-bad"]),
        ("skip_bad", False, []),
        ("patience", None, []),
        ("with_source", True, ["--with-source"]),
        ("source", ["a", "-b"], ["--source", "a", "--source=-b"]),
        ("set", {"alpha": 0.1, "centred": True}, ["--set", "alpha=0.1", "--set", "centred=true"]),
        ("layer_decay", 0.5, ["--layer-decay", "0.5"]),
    ],
)
def test_an_option_is_printed_as_it_is_typed(card: Card, name: str, value: object, words: list[str]) -> None:
    plain = provenance.build_repeat_commands([("m", recorded(card, **{name: None}))])[0][-1]
    line = provenance.build_repeat_commands([("m", recorded(card, **{name: value}))])[0][-1]
    assert [word for word in line if word not in plain] == [word for word in words if word not in plain]
    assert len(line) - len(plain) == len(words)
