"""The whole chain on the drawn sample, through the real command."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import LONG_NAME, OWN, TRAINED, Command

EVALUATED = {
    "model", "id", "split", "photographs", "accuracy", "ci95", "macro_accuracy", "ece",
    "outputs", "per_item", "labels_used",
}  # fmt: skip
LISTED = {"model", "id", "command", "parent", "domains", "backbone", "accuracy", "created", "bytes"}


@pytest.fixture(scope="module")
def finetuned(drawn: Command, pretrained: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = drawn.json(
        "finetune", "--target", "dslr", "--model", pretrained["model"], "--epochs", "2", "--name", "on-dslr"
    )
    return result


def test_the_sample_is_drawn_once_and_checked(drawn: Command) -> None:
    again = drawn.json("download", "--sample")
    assert again.keys() == {"dataset", "root", "domains", "photographs", "items", "verified", "seconds"}
    assert (again["dataset"], again["items"], again["verified"]) == ("sample", 31, True)
    assert again["photographs"] == sum(again["domains"].values())


def test_pretrain_keeps_a_fifth_back_and_counts_the_labels(pretrained: dict[str, Any]) -> None:
    assert pretrained.keys() >= TRAINED
    assert (pretrained["command"], pretrained["parent"], pretrained["domains"]) == ("pretrain", None, ["amazon"])
    assert (pretrained["model"], pretrained["backbone"], pretrained["weights"]) == ("amazon-convnet", "convnet", "none")
    assert pretrained["photographs"] == pretrained["labels_used"]["amazon"] == 744  # four fifths of 930
    assert pretrained["validation"]["item"] > 0.3  # chance is 1 in 31


def test_a_domain_that_the_model_never_saw_is_scored_whole(drawn: Command, pretrained: dict[str, Any]) -> None:
    scored = drawn.json("evaluate", "--split", "webcam", "--model", pretrained["id"])
    assert scored.keys() >= EVALUATED
    assert (scored["model"], scored["split"], scored["photographs"]) == ("amazon-convnet", "webcam:all", 434)
    assert scored["labels_used"] == {"amazon": 744, "webcam": 0}
    assert scored["ci95"][0] <= scored["accuracy"] <= scored["ci95"][1]
    assert sum(row["photographs"] for row in scored["per_item"].values()) == 434
    right = sum(row["photographs"] * row["accuracy"] for row in scored["per_item"].values())
    assert right / 434 == pytest.approx(scored["accuracy"])


def test_finetune_goes_on_and_is_scored_on_what_it_has_not_seen(drawn: Command, finetuned: dict[str, Any]) -> None:
    assert finetuned.keys() >= TRAINED | {"target", "strategy", "labels"}
    assert (finetuned["target"], finetuned["strategy"], finetuned["labels"]) == ("dslr", "full", "all")
    assert finetuned["labels_used"] == {"amazon": 744, "dslr": 248}
    scored = drawn.json("evaluate", "--split", "dslr", "--model", "on-dslr")
    assert (scored["split"], scored["photographs"]) == ("dslr:test", 62)
    assert scored["accuracy"] == pytest.approx(finetuned["validation"]["item"])
    assert scored["labels_used"] == finetuned["labels_used"]


def test_three_labels_an_item_train_the_last_layer_alone(drawn: Command, pretrained: dict[str, Any]) -> None:
    code, out, err = drawn(
        *("finetune", "--target", "dslr", "--labels", "3", "--strategy", "linear", "--epochs", "1", "--json")
    )
    assert code == 0
    result = json.loads(out)
    assert (result["strategy"], result["labels"]) == ("linear", 3)
    assert result["labels_used"] == {"amazon": 744, "dslr": 93}
    assert result["held_out"] == 62
    assert result["parent"] == pretrained["id"]
    assert err == f"model: amazon-convnet ({pretrained['id']}), the newest that fits\n"


def test_the_registry_knows_where_models_came_from(
    drawn: Command, finetuned: dict[str, Any], run: Command, tmp_path: Path
) -> None:
    rows = {row["model"]: row for row in drawn.json("models", "list")["models"]}
    assert rows["on-dslr"].keys() >= LISTED
    assert rows["on-dslr"]["parent"] == rows["amazon-convnet"]["id"]
    assert rows["on-dslr"]["accuracy"] == finetuned["validation"]["item"]
    card = drawn.json("models", "show", "on-dslr")["card"]
    assert card["labels_used"] == finetuned["labels_used"]
    depths = {row["model"]: row["depth"] for row in drawn.json("models", "tree")["models"]}
    assert (depths["amazon-convnet"], depths["on-dslr"]) == (0, 1)
    assert drawn.json("models", "verify")["problems"] == []

    bundle = tmp_path / "on-dslr.safetensors"
    drawn.json("models", "export", "on-dslr", bundle)
    brought = run.json("models", "import", bundle, "--name", "brought")
    assert brought["id"] == finetuned["id"]
    assert run.weights(brought) == drawn.weights(finetuned)


def test_a_folder_of_ones_own(owned: tuple[Command, dict[str, Any]]) -> None:
    command, trained = owned
    assert (trained["data"], trained["labels_used"]) == ("things", {"shop": 24})
    scored = command.json("evaluate", "--split", "phone")
    assert scored["per_item"].keys() == {"mug", "[red] pen", "vélo"}
    assert LONG_NAME in command("models", "list").out


def test_the_same_seed_gives_the_same_weights_and_another_one_others(
    owned: tuple[Command, dict[str, Any]], run: Command, own_folder: Path
) -> None:
    command, trained = owned
    weights = command.weights(trained)
    assert run.weights(run.json(*OWN, "--data", own_folder)) == weights
    assert run.weights(run.json(*OWN, "--data", own_folder, "--seed", "1")) != weights


def test_piped_output_holds_no_escape_codes(drawn: Command, pretrained: dict[str, Any]) -> None:
    for words in (
        ("models", "list"),
        ("models", "show", pretrained["id"]),
        ("models", "tree"),
        ("download", "--sample"),
    ):
        code, out, err = drawn(*words, env={"COLUMNS": "20", "TERM": "xterm-256color"})
        assert code == 0
        assert "\x1b" not in out + err
        assert "…" not in out
    assert pretrained["id"] in drawn("models", "list", env={"COLUMNS": "20"}).out


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_they_are_unwanted(
    drawn: Command, pretrained: dict[str, Any], no_color: str, coloured: bool
) -> None:
    controller, terminal = os.openpty()
    environment = {"TERM": "xterm-256color", "NO_COLOR": no_color}
    drawn("models", "show", "no-such-model", stderr=terminal, env=environment)
    shown = os.read(controller, 4096).decode()
    os.close(controller)
    os.close(terminal)
    assert "no-such-model" in shown
    assert ("31m" in shown) is coloured  # red; bold is no colour
