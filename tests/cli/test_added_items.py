"""`finetune --add-items`: items that a stored network does not know get outputs of their own."""

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_finetune import STRATEGIES
from tests.helpers.real_command import Command, assert_error

QUICK = ("--epochs", "1", "--batch-size", "8")
TUNE = ("finetune", "--target", "cam", *QUICK)


@pytest.fixture(scope="module")
def stall(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`shop` has folders of two items; `cam` folders of these and a third, `bike`."""
    root = tmp_path_factory.mktemp("stall") / "things"
    for name, shown in (("mug", "mug"), ("[red] pen", "pen"), ("vélo", "bike")):
        shutil.copytree(own_folder / "phone" / name, root / "cam" / shown)
        if shown != "bike":
            shutil.copytree(own_folder / "shop" / name, root / "shop" / shown)
    return root


@pytest.fixture(scope="module")
def command(stall: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command with a model of the shop's two items, `base`, and one that predicts the domain as well, `both`."""
    command = Command(tmp_path_factory.mktemp("home"))
    start = ("--domain", "shop", "--data", stall, "--backbone", "convnet", *QUICK)
    command.json("pretrain", *start, "--name", "base")
    command.json("pretrain", *start, "--name", "both", "--outputs", "item+domain")
    return command


@pytest.fixture(scope="module")
def grown(command: Command) -> dict[str, Any]:
    """What was said of a model that knows all three items, fine-tuned from `base`."""
    result: dict[str, Any] = command.json(*TUNE, "--model", "base", "--add-items", "--name", "grown", "--train", "head")
    return result


def test_an_item_is_added_beside_the_others(command: Command, grown: dict[str, Any]) -> None:
    assert (grown["items_added"], grown["photographs"], grown["held_out"]) == (["bike"], 24, 6)
    card = command.json("models", "show", "grown")["card"]
    assert card["items"] == ["mug", "pen", "bike"]
    assert card["network"]["outputs"][0][0]["labels"] == ["mug", "pen", "bike"]
    assert card["parents"][0]["id"] == command.json("models", "show", "base")["id"]


def test_what_was_forgotten_is_measured_on_what_neither_network_has_seen(grown: dict[str, Any]) -> None:
    forgotten, added = grown["forgotten"], grown["added"]
    assert {name: row["photographs"] for name, row in forgotten["domains"].items()} == {"cam": 4, "shop": 4}
    assert (forgotten["photographs"], added["photographs"]) == (8, 2)
    for when in ("before", "after"):
        total = sum(row["photographs"] * row[when] for row in forgotten["domains"].values())
        assert forgotten[when] * 8 == pytest.approx(total)
    in_cam = 4 * forgotten["domains"]["cam"]["after"] + 2 * added["accuracy"]
    assert grown["validation"]["item"] * 6 == pytest.approx(in_cam)


def test_before_is_the_stored_networks_accuracy(command: Command, grown: dict[str, Any]) -> None:
    scored = command.json("evaluate", "--split", "shop:test", "--model", "base")
    assert grown["forgotten"]["domains"]["shop"]["before"] == pytest.approx(scored["accuracy"])
    after = command.json("evaluate", "--split", "shop:test", "--model", "grown")
    assert grown["forgotten"]["domains"]["shop"]["after"] == pytest.approx(after["accuracy"])


@pytest.mark.usefixtures("grown")
def test_the_model_is_one_like_any_other(command: Command, stall: Path, tmp_path: Path) -> None:
    scored = command.json("evaluate", "--split", "cam:all", "--model", "grown")
    assert (scored["setting"], sorted(scored["per_item"])) == ("closed", ["bike", "mug", "pen"])
    picture = next((stall / "cam" / "bike").iterdir())
    (row,) = command.json("predict", picture, "--model", "grown")["pictures"]
    assert {item for item, _ in row["top"]} == {"bike", "mug", "pen"}
    assert command("models", "export", "grown", "-o", tmp_path / "grown.safetensors").code == 0
    assert Command(tmp_path / "home")("models", "import", tmp_path / "grown.safetensors").code == 0
    words = ("adapt", "--target", "cam", "--source", "shop", "--model", "grown", "--method", "mcc", "--steps", "2")
    assert command.json(*words, *QUICK)["parent"] == command.json("models", "show", "grown")["id"]


def test_the_table_tells_it(command: Command) -> None:
    code, out, _ = command(*TUNE, "--model", "base", "--add-items")
    assert code == 0
    assert "│ items added  │ bike: " in out
    assert "of 2 held-out photographs" in out
    assert "% now, of 4 unseen photographs" in out


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_adds_items_or_says_that_it_cannot(command: Command, strategy: str) -> None:
    words = (*TUNE, "--model", "base", "--add-items", "--labels", "3", "--strategy", strategy, "--epochs", "2")
    if strategy == "co-tuning":
        assert_error(command(*words), 2, "--add-items: co-tuning compares each item", "choose another --strategy")
    else:
        made = command.json(*words)
        assert (made["items_added"], made["photographs"], made["added"]["photographs"]) == (["bike"], 9, 2)


@pytest.mark.parametrize("outputs", ["item+domain", "separate", "pair"])
def test_an_item_is_added_among_other_outputs(command: Command, outputs: str) -> None:
    made = command.json(*TUNE, "--model", "both", "--add-items", "--outputs", outputs, "--with-source")
    assert (made["outputs"], made["items_added"]) == (outputs, ["bike"])
    scored = command.json("evaluate", "--split", "cam", "--model", made["id"])
    assert {"bike", "mug", "pen"} == set(scored["per_item"])
    assert scored["outputs"]["domain"]["accuracy"] is not None


def test_without_the_option_they_are_left_out_and_it_is_named(command: Command) -> None:
    done = command(*TUNE, "--model", "base")
    assert done.code == 0
    told = "cam: 20 photographs are labelled, 10 show an item that the model does not know (bike) and are left out: "
    assert told + "see --add-items\n" in done.err


def test_labels_of_new_items_alone_are_warned_of(command: Command, tmp_path: Path, stall: Path) -> None:
    listed = tmp_path / "new.csv"
    with listed.open("w", newline="") as stream:
        csv.writer(stream).writerows([(f"bike/{each.name}", "bike") for each in (stall / "cam" / "bike").iterdir()])
    words = (*TUNE, "--model", "base", "--labels-from", listed)
    assert_error(command(*words, "--strategy", "nothing"), 2, "nothing")
    done = command(*words, "--add-items")
    assert done.code == 0
    assert "warning: there are labels of added items alone" in done.err
    assert command(*words).code == 1  # nothing is left to train on, as the model does not know bikes
    done = command(*words, "--add-items", "--with-source")
    assert (done.code, "warning" in done.err) == (0, False)


def test_where_the_model_knows_them_all_nothing_is_added(command: Command) -> None:
    made = command.json("finetune", "--target", "shop", "--model", "base", "--add-items", *QUICK)
    assert (made["items_added"], made["forgotten"], made["added"]) == ([], None, None)
