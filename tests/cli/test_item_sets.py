"""Domains whose items differ: a catalogue with all of them, a shop floor that shows some of them and other things."""

import shutil
from pathlib import Path
from statistics import harmonic_mean
from typing import Any

import pytest

from tests.helpers.real_command import Command, assert_error


@pytest.fixture(scope="module")
def command(stall: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command with a model of the shop's three items, `shop-convnet`."""
    command = Command(tmp_path_factory.mktemp("home"))
    command.json("pretrain", "--domain", "shop", "--data", stall, "--backbone", "convnet", "--epochs", "2")
    return command


def scored(command: Command, split: str, *more: object) -> dict[str, Any]:
    result: dict[str, Any] = command.json("evaluate", "--split", split, *more)
    return result


def test_shared_items_are_scored_and_the_others_counted_apart(command: Command) -> None:
    result = scored(command, "floor", "--model", "shop-convnet")
    assert result["setting"] == "universal"
    assert result["shared_items"] == ["mug", "pen"]
    assert (result["photographs"], result["unlabelled"], result["unknown"]["photographs"]) == (16, 4, 10)
    unknown = result["unknown"]
    assert unknown["hos"] == pytest.approx(harmonic_mean([unknown["os_star"], unknown["recall"]]), nan_ok=True)
    assert 0 <= unknown["auroc"] <= 1
    assert {item: row["photographs"] for item, row in result["per_item"].items()} == {"mug": 6, "pen": 10}


def test_where_the_items_are_the_models_nothing_is_apart(command: Command) -> None:
    result = scored(command, "shop:all", "--model", "shop-convnet")
    assert (result["setting"], result["unknown"], result["unlabelled"]) == ("closed", None, 0)


def test_the_table_says_what_is_not_scored(command: Command) -> None:
    code, out, _ = command("evaluate", "--split", "floor", "--model", "shop-convnet")
    assert code == 0
    assert "2 of the model's are there; 10 photographs of others, counted apart" in out
    assert "area under the ROC" in out
    assert "4 more photographs" in out


def test_a_network_predicts_the_items_that_it_was_trained_on(command: Command, stall: Path) -> None:
    model = command.json("pretrain", "--domain", "floor", "--data", stall, "--backbone", "convnet", "--epochs", "1")
    assert (model["photographs"], model["held_out"]) == (20, 6)
    assert sorted(scored(command, "floor:all", "--model", model["model"])["per_item"]) == ["mug", "pen", "trolley"]
    assert scored(command, "shop", "--model", model["model"])["setting"] == "universal"


def test_adapting_uses_all_photographs_of_the_target_and_scores_the_shared_ones(command: Command) -> None:
    words = ("adapt", "--target", "floor", "--model", "shop-convnet", "--method", "mcc")
    result = command.json(*words, "--epochs", "1", "--steps", "2")
    assert 0 <= result["scores"]["last"] <= 1


def test_fine_tuning_leaves_out_what_the_model_does_not_know(command: Command) -> None:
    result = command.json("finetune", "--target", "floor", "--model", "shop-convnet", "--epochs", "1")
    assert result["photographs"] + result["held_out"] == 16


def test_without_a_shared_item_one_line_says_so(command: Command, stall: Path, tmp_path: Path) -> None:
    shutil.copytree(stall / "floor" / "trolley", tmp_path / "other" / "cellar" / "barrel")
    done = command("evaluate", "--split", "cellar", "--data", tmp_path / "other", "--model", "shop-convnet")
    assert_error(done, 2, "it predicts none of the items of other's cellar", "there are barrel", "--data")


def test_a_report_shows_unknown_photographs_apart(command: Command, tmp_path: Path) -> None:
    words = ("report", "shop-convnet", "--split", "floor", "--embedding", "pca", "--out", tmp_path / "page.html")
    result = command.json(*words)
    assert (result["photographs"], result["unknown"], result["unlabelled"]) == (30, 10, 4)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for text in (
        "of 16 photographs of floor are classified correctly",
        "Not scored: 10 photographs of items that the model does not know (trolley) and 4 without a label.",
        "None of the model's items, with the greatest confidence.",
        "<b>trolley</b>",
        "floor, none of the model's items",
    ):
        assert text in page.replace("&#39;", "'")
    code, out, _ = command(*words, "--overwrite")
    assert code == 0
    assert "floor:all, 16 photographs" in out
    assert "10 photographs of items that the model does not know" in out


def test_doctor_counts_what_is_labelled_and_names_the_items_that_differ(command: Command, stall: Path) -> None:
    found = command.json("doctor", "--data", stall)["data"]["domains"]
    assert {name: (each["photographs"], each["labelled"]) for name, each in found.items()} == {
        "floor": (30, 26),
        "shop": (30, 30),
    }
    assert (found["floor"]["missing"], found["shop"]["missing"]) == (["bike"], ["trolley"])
    code, out, _ = command("doctor", "--data", stall)
    assert code == 0
    assert "floor 30 photographs (26 labelled), shop 30" in out
    checked = command.json(
        "doctor", "--source", "shop", "--check-labels", "floor", "--backbone", "convnet", "--data", stall
    )
    assert checked["data"]["domains"]["floor"]["unknown"] == {"trolley": 10}


def test_comparing_label_budgets_says_what_is_not_scored(command: Command) -> None:
    code, _, err = command(
        *("compare", "labels", "--target", "floor", "--model", "shop-convnet", "--labels", "1", "--strategies"),
        *("linear", "--seeds", "0", "--epochs", "1"),
    )
    assert code == 0
    assert "floor: 10 photographs of items that the model does not know (trolley) and 4 without a label" in err


def test_a_picture_that_looks_like_no_item_is_predicted_to_be_unknown(command: Command, stall: Path) -> None:
    words = ("predict", stall / "shop", stall / "floor" / "trolley", "--model", "shop-convnet", "--json")
    plain, careful = command.json(*words), command.json(*words, "--unknown", 0.4)
    assert plain["unknown"] is None
    assert careful["unknown"]["rate"] == 0.4
    named = {each["path"]: each["item"] for each in plain["pictures"]}
    changed = {each["path"] for each in careful["pictures"] if each["item"] != named[each["path"]]}
    assert changed == {each["path"] for each in careful["pictures"] if each["item"] == "unknown"}
    assert 0 < len(changed) < len(named)


def test_a_rate_is_a_share(command: Command, stall: Path) -> None:
    done = command("predict", stall / "shop", "--model", "shop-convnet", "--unknown", "5")
    assert_error(done, 2, "--unknown 5: not between 0 and 1", "--unknown 0.05")


def test_a_model_without_held_out_photographs_cannot_tell_the_unknown(command: Command, stall: Path) -> None:
    words = ("--data", stall, "--backbone", "convnet", "--epochs", "1", "--held-out", "0", "--name", "blind")
    command.json("pretrain", "--domain", "shop", *words)
    done = command("predict", stall / "shop", "--model", "blind", "--unknown", "0.05")
    assert_error(done, 1, "blind has no threshold", "--held-out above 0")
