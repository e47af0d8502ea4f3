"""`--resume --force` goes on from an interrupted run of another configuration, loses nothing of it, and says so."""

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import LONG_NAME, OWN, SIGNAL_AFTER, Command

STEP = {"epoch": 1, "differing": {"settings.lr": {"was": 0.01, "is": 0.5}}}
TOLD = "resumed epoch 1 of a run whose settings.lr was 0.01"
WARNING = f"warning: not bit-identical: {TOLD}"


def begin(run: Command, *words: str | Path, epoch: int = 1) -> list[str]:
    """Run it until the checkpoint of an epoch is kept; returns what it told before."""
    done = run(*words, prelude=SIGNAL_AFTER.format(epoch=epoch, name="SIGTERM"))
    assert done.code == 143, done.err
    return done.err.splitlines()[:-1]


def kept(run: Command) -> dict[Path, bytes]:
    """Every file that interrupted runs have left."""
    return {path: path.read_bytes() for path in (run.home / "runs").rglob("*") if path.is_file()}


def flat(table: str) -> str:
    """Its words, without lines."""
    return " ".join(table.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split())


def card(run: Command, model: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = run.json("models", "show", model["id"])["card"]
    return found


@pytest.fixture
def words(own_folder: Path) -> tuple[str | Path, ...]:
    return (*OWN, "--data", own_folder, "--lr", "0.01")


@pytest.fixture
def other(own_folder: Path) -> tuple[str | Path, ...]:
    """The same piece of work at another rate."""
    return (*OWN, "--data", own_folder, "--lr", "0.5")


@pytest.mark.fault(49)
def test_a_forced_run_goes_on_through_a_second_interruption_and_is_told_of_everywhere(
    run: Command, words: tuple[str | Path, ...], other: tuple[str | Path, ...]
) -> None:
    begin(run, *words)
    first = kept(run)
    assert begin(run, *other, "--resume", "--force", epoch=2) == [WARNING, "resuming after epoch 1 of 3"]
    refused = run(*other, "--resume")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "it was itself forced to start from another" in refused.err

    done = run(*other, "--resume", "--force")
    assert (done.code, done.err.splitlines()) == (0, [WARNING, "resuming after epoch 2 of 3"])
    assert f"not bit-identical {TOLD}" in flat(done.out)
    assert kept(run) == first
    again = run(*other, "--resume", "--force", "--json")
    assert again.err.startswith("this very run has ended already")
    (row,) = run.json("models", "list")["models"]
    model = run.json(*other, "--resume", "--force")
    assert (model["id"], model["forced"]) == (row["id"], [STEP])
    assert card(run, model)["configuration"]["forced"] == [STEP]
    shown = flat(run("models", "show", row["id"]).out)
    assert f"not bit-identical {TOLD}" in shown
    assert "'differing'" not in shown


@pytest.mark.fault(49)
def test_neither_the_run_that_was_forced_nor_the_one_asked_for_takes_its_model(
    run: Command, words: tuple[str | Path, ...], other: tuple[str | Path, ...], tmp_path: Path
) -> None:
    begin(run, *words)
    forced = run.json(*other, "--resume", "--force")
    refused = run(*other, "--resume")
    assert refused.code == 2
    assert "add --force" in refused.err
    plain = run.json(*other)
    assert plain["forced"] is None
    assert run.weights(plain) != run.weights(forced)
    assert run.json(*other, "--resume")["id"] == run.json(*other, "--resume", "--force")["id"] == plain["id"]
    ended = run.json(*words, "--resume")
    assert ended["forced"] is None
    elsewhere = Command(tmp_path / "elsewhere")
    assert run.weights(ended) == elsewhere.weights(elsewhere.json(*words))
    assert card(run, forced)["history"][0] == card(run, ended)["history"][0] != card(run, plain)["history"][0]


@pytest.mark.fault(49)
def test_what_is_forced_twice_tells_of_both(
    run: Command, words: tuple[str | Path, ...], other: tuple[str | Path, ...]
) -> None:
    begin(run, *words)
    begin(run, *other, "--resume", "--force", epoch=2)
    third = (*other, "--batch-size", "4", "--resume", "--force")
    done = run(*third)
    told = f"{TOLD}, then epoch 2 of a run whose settings.batch_size was 8"
    assert (done.code, done.err.splitlines()[0]) == (0, f"warning: not bit-identical: {told}")
    assert [step["epoch"] for step in run.json(*third)["forced"]] == [1, 2]


@pytest.mark.fault(49)
@pytest.mark.parametrize(
    ("changed", "code", "holds"),
    [
        (("--optimizer", "adam"), 1, "its optimizer is of another kind"),
        (("--outputs", "item+domain"), 1, "has shape "),
        (("--train", "head"), 1, " is missing"),
        (("--epochs", "1"), 2, "has trained for 2 epochs, and 1 are asked for"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_where_nothing_fits_nothing_is_lost(
    run: Command, words: tuple[str | Path, ...], changed: tuple[str, ...], code: int, holds: str
) -> None:
    begin(run, *words, epoch=2)
    before = kept(run)
    done = run(*words, *changed, "--resume", "--force", "--json")
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert (done.code, done.out, len(errors)) == (code, "", 1)
    assert errors[0].startswith("error: --force: ")
    assert holds in errors[0]
    assert "Traceback" not in done.err
    assert kept(run) == before
    assert run.json("models", "list")["models"] == []
    assert run(*words, "--resume").err.startswith("resuming after epoch 2 of 3")


@pytest.mark.fault(48)
def test_the_newest_whole_checkpoint_of_the_other_run_is_taken(
    run: Command, words: tuple[str | Path, ...], other: tuple[str | Path, ...]
) -> None:
    begin(run, *words, epoch=2)
    (newest,) = (run.home / "runs").glob("*/000002/state.safetensors")
    newest.write_bytes(newest.read_bytes()[:-1])
    done = run(*other, "--resume", "--force")
    assert (done.code, done.err.splitlines()) == (0, [WARNING, "resuming after epoch 1 of 3"])


@pytest.mark.fault(49)
@pytest.mark.parametrize(
    "words", [("finetune",), ("adapt", "--method", "mcc", "--steps", "2")], ids=lambda words: words[0]
)
def test_what_goes_on_from_a_model_can_be_forced(
    owned: tuple[Command, dict[str, Any]], own_folder: Path, words: tuple[str, ...]
) -> None:
    command, _ = owned
    line = (*words, "--target", "phone", "--data", own_folder, "--model", LONG_NAME, "--epochs", "2")
    begin(command, *line, "--lr", "0.01")
    done = command(*line, "--lr", "0.5", "--resume", "--force")
    assert done.code == 0, done.err
    assert WARNING in done.err.splitlines()
    assert command.json(*line, "--lr", "0.5", "--resume", "--force")["forced"] == [STEP]
