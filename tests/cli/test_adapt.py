"""Adapting through the real command: what it says, learns from, keeps, and how it ends and goes on."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from office31_cli import methods
from tests.helpers.real_command import TRAINED, Command, assert_error

QUICK = ("--method", "mcc", "--steps", "4", "--epochs", "2", "--batch-size", "8")
PUBLISHED = {
    "erm", "adabn", "dan", "jan", "coral", "dann", "cdan", "mcd", "mdd", "mcc", "bnm", "afn", "bsp", "shot", "tent",
    "fixmatch", "ovanet", "dance",
}  # fmt: skip
NO_TORCH = "import sys\nsys.modules['torch'] = None"


@pytest.fixture(scope="module")
def adapted(drawn: Command, pretrained: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What `adapt --json` said of the sample's dslr; gone afterwards, as others take the newest model that is there."""
    result: dict[str, Any] = drawn.json(
        *("adapt", "--target", "dslr", "--method", "mcc", "--model", pretrained["id"], "--name", "to-dslr"),
        *("--steps", "10", "--epochs", "3", "--batch-size", "32", "--held-out", "0.2"),
    )
    yield result
    assert drawn("models", "rm", "to-dslr").code == 0


class TestTheSample:
    def test_it_goes_on_with_the_sources_labels_and_none_of_the_targets(
        self, pretrained: dict[str, Any], adapted: dict[str, Any]
    ) -> None:
        assert adapted.keys() >= TRAINED | {"source", "target", "method", "scores"}
        assert (adapted["command"], adapted["parent"]) == ("adapt", pretrained["id"])
        assert (adapted["source"], adapted["target"], adapted["method"]) == ("amazon", "dslr", "mcc")
        assert (adapted["domains"], adapted["epochs"], adapted["train"]) == (["amazon"], 3, "all")
        assert adapted["photographs"] == adapted["labels_used"]["amazon"] == 744
        assert adapted["labels_used"]["dslr"] == 0

    def test_its_scores_are_the_last_epochs_the_picked_ones_and_the_oracles(self, adapted: dict[str, Any]) -> None:
        scores = adapted["scores"]
        assert scores.keys() == {"last", "selected", "oracle"}
        assert scores["selected"].keys() == {"validator", "epoch", "accuracy"}
        assert scores["selected"]["validator"] == "im"
        assert scores["oracle"] >= max(scores["last"], scores["selected"]["accuracy"])
        for share in (scores["last"], scores["oracle"], scores["selected"]["accuracy"]):
            assert share * 310 == pytest.approx(round(share * 310))

    def test_the_accuracy_after_each_epoch_is_kept(self, adapted: dict[str, Any]) -> None:
        scores, accuracies = adapted["scores"], adapted["accuracies"]
        assert len(accuracies) == 3
        assert (accuracies[-1], max(accuracies)) == (scores["last"], scores["oracle"])
        assert accuracies[scores["selected"]["epoch"] - 1] == scores["selected"]["accuracy"]

    def test_evaluating_gives_exactly_the_last_epochs_score(self, drawn: Command, adapted: dict[str, Any]) -> None:
        scored = drawn.json("evaluate", "--split", "dslr", "--model", "to-dslr")
        assert (scored["split"], scored["photographs"]) == ("dslr:all", 310)
        assert scored["accuracy"] == adapted["scores"]["last"]
        assert scored["labels_used"] == adapted["labels_used"]
        assert drawn.json("evaluate", "--split", "amazon", "--model", "to-dslr")["split"] == "amazon:test"

    def test_the_card_keeps_what_was_done(
        self, drawn: Command, pretrained: dict[str, Any], adapted: dict[str, Any]
    ) -> None:
        card = drawn.json("models", "show", "to-dslr")["card"]
        assert card["labels_used"] == adapted["labels_used"]
        assert card["metrics"]["scores"] == adapted["scores"]
        configuration = card["configuration"]
        assert (configuration["target"], configuration["method"], configuration["steps"]) == ("dslr", "mcc", 10)
        assert configuration["settings"] == methods.load("mcc")().settings()
        noted = {"item", "confusion", "validator im", "validator snd", "validator source"}
        assert [epoch.keys() >= noted for epoch in card["history"]] == [True] * 3
        rows = {row["model"]: row for row in drawn.json("models", "list")["models"]}
        assert (rows["to-dslr"]["parent"], rows["to-dslr"]["command"]) == (pretrained["id"], "adapt")
        depths = {row["model"]: row["depth"] for row in drawn.json("models", "tree")["models"]}
        assert depths["to-dslr"] == depths["amazon-convnet"] + 1


@pytest.fixture
def command(owned: tuple[Command, dict[str, Any]], tmp_path: Path) -> Command:
    """With a home that holds the model of `owned` and nothing else."""
    bundle = tmp_path / "shop.safetensors"
    owned[0].json("models", "export", owned[1]["id"], bundle)
    fresh = Command(tmp_path / "home")
    fresh.json("models", "import", bundle)
    return fresh


@pytest.fixture
def things(own_folder: Path, tmp_path: Path) -> Path:
    """A copy of `own_folder` with a domain `heap`, which is phone unsorted."""
    root = shutil.copytree(own_folder, tmp_path / "things")
    (root / "heap").mkdir()
    for number, picture in enumerate(sorted((root / "phone").glob("*/*"))):
        shutil.copy(picture, root / "heap" / f"{number:02}{picture.suffix}")
    return root


def models(command: Command) -> list[str]:
    return [row["model"] for row in command.json("models", "list")["models"]]


def test_a_person_is_told_all_three_scores_and_which_of_them_needs_labels(command: Command, things: Path) -> None:
    code, out, err = command("adapt", "--target", "phone", "--data", things, *QUICK)
    assert code == 0
    assert err.startswith("model: ")
    for text in ("%: the last epoch, stored", "selected by im without target labels", "only labels tell (oracle)"):
        assert text in out
    assert "mcc, from shop to phone" in out
    assert "phone 0, shop 30" in out


def test_a_person_is_told_that_nothing_can_be_scored_without_labels(command: Command, things: Path) -> None:
    code, out, _ = command("adapt", "--target", "heap", "--data", things, *QUICK)
    assert code == 0
    assert "not scored, as it has no labels" in out
    assert "heap 0, shop 30" in out


def test_what_cannot_be_learnt_from_is_told_in_one_line_and_nothing_is_stored(command: Command, things: Path) -> None:
    before = models(command)
    words = ("adapt", "--data", things, "--model", *before, *QUICK)
    done = command(*words, "--target", "phone", "--method", "bnm", "--lr", "1e20")
    assert_error(done, 1, "training, epoch 1", "smaller --lr")
    for picture in sorted((things / "heap").iterdir())[1:]:
        picture.unlink()
    assert_error(command(*words, "--target", "heap"), 1, "target heap", "fewer than two")
    assert models(command) == before


def test_methods_are_listed_without_torch(run: Command) -> None:
    code, out, err = run("methods", "--details", prelude=NO_TORCH, env={"COLUMNS": "40"})
    assert (code, err) == (0, "")
    assert "…" not in out
    for text in ("Jin and others 2020", "temperature (2.5; 0.5 to 10)", "entropy (true)", "shot *"):
        assert text in out
    found = run.json("methods")["methods"]
    assert {row["method"] for row in found} == {*PUBLISHED, "auto"}
    for row in found:
        assert row.keys() >= {"method", "summary", "paper", "source_free", "hyperparameters"}
        assert row["summary"]
        for each in row["hyperparameters"]:
            assert each["low"] <= each["default"] <= each["high"]
            assert each["meaning"]
    assert {row["method"] for row in found if row["source_free"]} == {"shot", "tent", "adabn"}


@pytest.mark.parametrize(("train", "steps"), [("all", 4), ("head", 100)])
def test_on_a_cpu_an_epoch_on_pixels_is_a_pass_over_the_larger_domain(
    owned: tuple[Command, dict[str, Any]], train: str, steps: int
) -> None:
    """Thirty photographs of each domain are four batches of eight or less."""
    command, model = owned
    quick = ("--method", "erm", "--epochs", "1", "--batch-size", "8", "--train", train, "--device", "cpu")
    made = command.json("adapt", "--target", "phone", "--model", model["id"], *quick)
    card = command.json("models", "show", made["id"])["card"]
    assert card["configuration"]["steps"] == steps
    assert command("models", "rm", made["id"]).code == 0
