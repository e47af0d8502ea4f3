"""A model's card records the options of its command, and the commands that a report prints make the same bits again."""

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer.main

from office31_cli.cli.main import app
from office31_cli.workflow.request import Options
from tests.helpers.real_command import Command

QUICK = ("--epochs", "2", "--batch-size", "8")

DECIDE_NOTHING = {"json", "resume", "force", "tensorboard"}
"""Options that change nothing of what is computed; what `--force` did is recorded by itself."""


@pytest.fixture(scope="module")
def things(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two domains, each with a picture that cannot be read."""
    root = shutil.copytree(own_folder, tmp_path_factory.mktemp("broken") / "things")
    for domain in ("shop", "phone"):
        next(iter(sorted((root / domain / "mug").iterdir()))).write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def command(things: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """With a model for each command that trains, and with it each option that could be forgotten."""
    made = Command(tmp_path_factory.mktemp("home"))
    more = ("--skip-bad", "--outputs", "item+0.5*domain", "--held-out", "0.3", "--seed", "4", "--lr", "0.01")
    more += ("--class-weights", "balanced")
    made.json(
        "pretrain", "--domain", "all", "--backbone", "convnet", "--data", things, "--name", "every", *more, *QUICK
    )
    start = ("--domain", "shop", "--backbone", "convnet", "--data", things, "--name", "base", "--train", "last")
    made.json("pretrain", *start, "--skip-bad", "--optimizer", "adam", *QUICK)
    adapting = (
        "--method",
        "fixmatch",
        "--set",
        "threshold=0.7",
        "--views",
        "5",
        "--steps",
        "3",
        "--validator",
        "source",
    )
    adapting += ("--held-out", "0.25", "--source", "shop", "--skip-bad", "--name", "adapted")
    made.json("adapt", "--model", "base", "--target", "phone", *adapting, *QUICK)
    listed = made.home / "listed"
    pictures = sorted(picture for picture in (things / "phone").glob("*/*") if picture.stat().st_size > 20)
    listed.write_text("".join(f"{picture}\n" for picture in pictures[::2]))
    tuning = (
        "--strategy",
        "l2-sp",
        "--set",
        "alpha=0.1",
        "--set",
        "beta=0.02",
        "--labels-from",
        listed,
        "--class-weights",
        "sampler",
    )
    tuning += ("--with-source", "--ema", "0.9", "--gradual-unfreezing", "--held-out", "0", "--skip-bad")
    made.json("finetune", "--model", "base", "--target", "phone", "--name", "tuned", *tuning, *QUICK)
    made.json("adapt", "--model", "base", "--target", "phone", "--method", "adabn", "--name", "passed", "--skip-bad")
    return made


def configuration(command: Command, name: str) -> dict[str, Any]:
    """What the card of a model says of how it was made."""
    found: dict[str, Any] = command.json("models", "show", name)["card"]["configuration"]
    return found


@pytest.mark.parametrize("name", ["every", "adapted", "tuned", "passed"])
def test_the_commands_make_the_same_bits_again(command: Command, tmp_path: Path, name: str) -> None:
    told = command.json(
        "report", name, "--split", "phone:all", "--skip-bad", "--embedding", "pca", "-o", tmp_path / "a.html"
    )
    if name == "tuned":
        (tmp_path / "tuned.txt").write_text("\n".join(configuration(command, name)["listed"]))
    again = Command(tmp_path / "home")
    for line in told["commands"]:
        done = again(*shlex.split(line)[1:], cwd=tmp_path)
        assert done.code == 0, (line, done.err)
    assert again.weights(again.json("models", "show", name)) == command.weights(told)


@pytest.mark.parametrize(("name", "trains"), [("every", "pretrain"), ("tuned", "finetune"), ("adapted", "adapt")])
def test_every_option_of_a_command_is_recorded(command: Command, name: str, trains: str) -> None:
    options = configuration(command, name)["options"]
    there = {
        option.opts[0].removeprefix("--").replace("-", "_")
        for option in typer.main.get_command(app).commands[trains].params
    }  # type: ignore[attr-defined]
    assert there - options["resolved"].keys() == DECIDE_NOTHING
    assert options["asked"].keys() == options["resolved"].keys() - {"model", "data"} | options["asked"].keys() & {
        "data"
    }


def test_what_was_asked_for_stands_beside_what_it_came_to(command: Command) -> None:
    options = configuration(command, "base")["options"]
    assert (options["asked"]["held_out"], options["resolved"]["held_out"]) == (None, 0.2)
    assert (options["asked"]["weights"], options["resolved"]["weights"]) == (None, "none")
    assert (options["asked"]["lr"], options["resolved"]["lr"]) == (None, 0.001)
    assert options["resolved"]["skip_bad"] is True
    assert "skip_bad True" in command("models", "show", "base", "--details").out


def test_an_option_that_is_added_is_recorded_without_being_listed() -> None:
    assert Options(skip_bad=True).to_json().keys() == vars(Options()).keys() - DECIDE_NOTHING
