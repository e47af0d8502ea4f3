"""What TensorBoard reads of a training, through its own reader, beside what the model's card says."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from office31_cli import Options, adapt, finetune
from office31_cli.engine.settings import LEARNING_RATES, Refinements
from office31_cli.registry import Registry
from tests.helpers.real_command import Command
from tests.helpers.small_data import lay_out
from tests.helpers.small_training import interrupt, make_things, trained

EPOCHS = 4


@pytest.fixture
def things(tmp_path: Path) -> Path:
    return make_things(tmp_path / "things", "shop", "phone")


@pytest.fixture
def run(home: Path) -> Command:
    return Command(home)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    return tmp_path / "board"


def options(board: Path | None, **changes: Any) -> Options:
    return Options(**{"epochs": EPOCHS, "batch_size": 8, "tensorboard": board, **changes})


def read(board: Path) -> EventAccumulator:
    """All that lies in the folder of the one run below `board`."""
    (folder,) = board.iterdir()
    return EventAccumulator(str(folder), size_guidance={"scalars": 0}, purge_orphaned_data=False).Reload()


def curves(found: EventAccumulator) -> dict[str, list[float]]:
    """The values by their tag, whose steps are the epochs from 1, each of them there once."""
    tags = [tag for tag in found.Tags()["scalars"] if not tag.startswith("score/")]
    events = {tag: sorted(found.Scalars(tag), key=lambda event: event.step) for tag in tags}
    for tag in tags:
        assert [event.step for event in events[tag]] == list(range(1, len(events[tag]) + 1)), tag
    return {tag: [event.value for event in events[tag]] for tag in tags}


def history(model: str) -> dict[str, list[float]]:
    rows = Registry().find(model).card.history
    return {key: [row[key] for row in rows] for key in rows[0]}


def configuration(found: EventAccumulator) -> dict[str, Any]:
    """What the run's start says of its hyper-parameters."""
    content = HParamsPluginData.FromString(found.summary_metadata["_hparams_/session_start_info"].plugin_data.content)
    values = content.session_start_info.hparams
    return {name: getattr(values[name], values[name].WhichOneof("kind")) for name in values}


def test_every_epochs_figures_are_those_of_the_card(things: Path, board: Path) -> None:
    model = trained(things, options=options(board))
    found, told = curves(read(board)), history(model.id)
    rates = [LEARNING_RATES["nesterov"] * (1 + math.cos(math.pi * epoch / EPOCHS)) / 2 for epoch in range(EPOCHS)]
    assert found.pop("learning rate") == pytest.approx(rates)
    assert found.keys() == {"loss/item", "held-out/item"}
    assert found["loss/item"] == pytest.approx(told["item"])
    assert found["held-out/item"] == pytest.approx(told["held-out item"])
    assert found["held-out/item"][-1] == pytest.approx(model.validation["item"])


def test_the_run_ends_with_its_configuration_and_scores(things: Path, board: Path) -> None:
    model = trained(things, options=options(board, seed=3, optimizer="adam", lr=0.002))
    found = read(board)
    chosen = configuration(found)
    assert (chosen["epochs"], chosen["seed"], chosen["optimizer"]) == (EPOCHS, 3, "adam")
    assert (chosen["lr"], chosen["backbone"], chosen["domains"]) == (0.002, "convnet", "shop")
    (score,) = found.Scalars("score/held-out/item")
    assert (score.step, score.value) == (EPOCHS, pytest.approx(model.validation["item"]))


def test_recording_changes_nothing_that_is_computed(things: Path, board: Path) -> None:
    cards = [Registry().find(trained(things, options=options(where)).id).card for where in (None, board)]
    assert cards[0].files == cards[1].files
    assert cards[0].metrics == cards[1].metrics


@pytest.mark.parametrize("after", [1, EPOCHS])
def test_a_run_that_goes_on_writes_no_step_twice_and_leaves_none_out(
    things: Path, board: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Stopped between checkpoint and event, where only the checkpoint knows of the epoch."""
    interrupt(monkeypatch, things, options(board), after=after)
    model = trained(things, options=options(board))
    found = read(board)
    assert curves(found)["loss/item"] == pytest.approx(history(model.id)["item"])
    assert len(curves(found)["learning rate"]) == EPOCHS


def test_a_run_that_is_repeated_adds_nothing_and_another_has_its_own_folder(things: Path, board: Path) -> None:
    for _ in range(2):
        trained(things, options=options(board))
    found = read(board)
    counts = Counter((tag, event.step) for tag in found.Tags()["scalars"] for event in found.Scalars(tag))
    assert set(counts.values()) == {1}
    trained(things, options=options(board, seed=1))
    assert len(list(board.iterdir())) == 2


def test_adapting_records_losses_and_validators_of_the_student_alone(things: Path, board: Path) -> None:
    trained(things)
    made = adapt("phone", data=str(things), method="auto", steps=2, options=options(board, held_out=0.0))
    found, told = read(board), history(made.id)
    recorded = curves(found)
    assert recorded.pop("accuracy/target") == pytest.approx(made.accuracies)
    assert {tag.partition("/")[0] for tag in recorded} == {"learning rate", "loss", "validator"}
    for key, values in told.items():
        group, space, name = key.partition(" ")
        assert recorded[f"validator/{name}" if space and group == "validator" else f"loss/{key}"] == pytest.approx(
            values
        )
    assert found.Scalars("score/target/last")[0].value == pytest.approx(made.scores["last"])
    assert found.Scalars("score/target/selected/accuracy")[0].value == pytest.approx(
        made.scores["selected"]["accuracy"]
    )


def test_finetuning_records_what_early_stopping_sees(things: Path, board: Path) -> None:
    trained(things)
    made = finetune(
        "phone", data=str(things), refinements=Refinements(patience=3, ema=0.5), options=options(board, epochs=6)
    )
    told = history(made.id)
    assert curves(read(board))["validation/accuracy"] == pytest.approx(told["validation accuracy"])


def test_without_the_extra_it_is_told_before_anything_is_done(run: Command, tmp_path: Path) -> None:
    data = lay_out(tmp_path / "data", "shop/mug", "shop/pen")
    line = ("pretrain", "--domain", "shop", "--data", data, "--backbone", "convnet", "--tensorboard", tmp_path / "x")
    code, out, err = run(
        *line, prelude="import sys; sys.modules['tensorboard'] = sys.modules['torch'] = None", process="light"
    )
    assert (code, out) == (1, "")
    assert err == (
        f"error: --tensorboard {tmp_path / 'x'}: tensorboard is not installed; "
        "run: pip install 'office31-cli[tensorboard]'\n"
    )


def test_a_file_is_no_folder(run: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    line = ("adapt", "--target", "shop", "--tensorboard", tmp_path / "taken")
    code, out, err = run(*line, prelude="import sys; sys.modules['torch'] = None", process="light")
    assert (code, out) == (2, "")
    assert "it is no folder" in err
