"""Folders in other layouts, by the command: what they were taken for is said, and their parts are kept."""

import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.real_command import Command, assert_error

QUICK = ("--backbone", "convnet", "--epochs", "2")


@pytest.fixture(scope="module")
def parted(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One domain in parts: of each of three items six photographs to train on, two to validate and two to test."""
    root = tmp_path_factory.mktemp("parted") / "store"
    for item in ("mug", "[red] pen", "vélo"):
        for place, picture in enumerate(sorted((own_folder / "shop" / item).iterdir())):
            folder = root / ("train" if place < 6 else "validation" if place < 8 else "test") / item
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, folder)
    return root


@pytest.fixture(scope="module")
def command(parted: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    made = Command(tmp_path_factory.mktemp("home"))
    made.json("pretrain", "--domain", "store", "--data", parted, "--name", "base", *QUICK)
    return made


SAID = "store: taken for one domain, store, of 3 items, in train, val and test"


def test_training_keeps_the_parts_whatever_the_seed(command: Command, parted: Path) -> None:
    for seed in ("0", "1"):
        code, out, err = command("pretrain", "--domain", "store", "--data", parted, "--seed", seed, "--json", *QUICK)
        assert (code, SAID in err) == (0, True)
        result = json.loads(out)
        assert (result["model"], result["photographs"], result["held_out"]) == (
            "store-convnet" + ("-2" if seed == "1" else ""),
            18,
            6,
        )


@pytest.mark.parametrize(
    ("split", "photographs"), [("store", 6), ("store:test", 6), ("store:train", 18), ("store:all", 30)]
)
def test_a_split_means_the_part(command: Command, split: str, photographs: int) -> None:
    assert command.json("evaluate", "--split", split, "--model", "base")["photographs"] == photographs


def test_what_the_model_remembers_is_said_again(command: Command) -> None:
    code, _, err = command("evaluate", "--split", "store", "--model", "base")
    assert (code, SAID in err) == (0, True)


def test_a_share_to_hold_out_has_no_effect_on_parts(command: Command, parted: Path) -> None:
    words = ("pretrain", "--domain", "store", "--data", parted, "--held-out", "0.5", "--json", *QUICK)
    code, out, err = command(*words)
    assert (code, json.loads(out)["held_out"]) == (0, 6)
    assert "warning: --held-out 0.5 has no effect on store: the parts are kept" in err
    assert "single labelled photograph" not in err


def test_early_stopping_uses_the_part_for_validation(command: Command) -> None:
    result = command.json("finetune", "--target", "store", "--model", "base", "--patience", "2", "--epochs", "2")
    assert (result["photographs"], result["validated"], result["held_out"]) == (18, 6, 6)


def test_an_index_and_adapting_between_its_domains(command: Command, own_folder: Path, tmp_path: Path) -> None:
    rows = ["path,item,domain,split"]
    for domain in ("shop", "phone"):
        for picture in sorted((own_folder / domain).glob("*/*")):
            item = picture.parent.name if domain == "shop" else ""
            rows.append(f"{picture.relative_to(own_folder)},{item},{domain},")
    root = shutil.copytree(own_folder, tmp_path / "things")
    (root / "mine.csv").write_text("\n".join(rows))
    code, _, err = command(
        "pretrain", "--domain", "shop", "--data", root / "mine.csv", "--name", "indexed", "--held-out", "0", *QUICK
    )
    assert (code, "things: taken for 2 domains (phone, shop) of 3 items, by mine.csv" in err) == (0, True)
    adapted = command.json("adapt", "--target", "phone", "--model", "indexed", "--method", "mcc", "--epochs", "1")
    assert adapted["photographs"] == 30
    assert_error(command("evaluate", "--split", "phone", "--model", "indexed"), 2, "domain phone: none of its pictures")


def test_links_and_nested_folders_are_remembered(command: Command, parted: Path, tmp_path: Path) -> None:
    root = tmp_path / "linked"
    for item in ("mug", "vélo"):
        (root / item).mkdir(parents=True)
        for part in ("train", "test"):
            (root / item / part).symlink_to(parted / part / item)
    words = ("pretrain", "--domain", "linked", "--data", root, "--nested")
    assert_error(command(*words, *QUICK), 1, "a symbolic link, which could lead anywhere")
    result = command.json(*words, "--follow-links", parted, "--name", "linked", *QUICK)
    assert result["photographs"] + result["held_out"] == 16
    assert command.json("evaluate", "--split", "linked:all", "--model", "linked")["photographs"] == 16
    told = command.json("report", "linked", "--split", "linked:all", "--embedding", "pca", "-o", tmp_path / "a.html")
    assert "--nested" in told["commands"][-1]
    assert f"--follow-links {parted}" in told["commands"][-1]
    card = command.json("models", "show", "linked")["card"]
    assert (card["data"]["nested"], card["data"]["follow_links"]) == (True, str(parted))
    assert_error(command("evaluate", "--split", "linked", "--follow-links", parted), 2, "give that with --data")
