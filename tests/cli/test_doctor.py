"""The examination through the real command: what it finds in a folder, and that no label of the target takes part."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from office31_cli.recipes.doctor.machine import EXTRAS
from office31_cli.workflow.item_sets import SETTINGS
from tests.helpers.real_command import Command, Done, assert_error

ITEMS = ("mug", "[red] pen", "vélo")

SHORT = "from office31_cli.recipes.doctor import probe; probe._STEPS = 20"
"""Trains for a shorter time than even the examination does: what is asserted holds whatever its heads have learnt."""


@pytest.fixture(scope="module")
def folder(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of one's own, of which one is there twice in the shop and one cannot be read."""
    root = shutil.copytree(own_folder, tmp_path_factory.mktemp("doctor") / "things")
    first = sorted((root / "shop" / "mug").iterdir())[0]
    shutil.copy(first, first.with_name("twice" + first.suffix))
    (root / "shop" / "mug" / "broken.jpg").write_text("no picture")
    return root


def words(folder: Path, *more: str) -> tuple[str | Path, ...]:
    return "doctor", "--data", folder, "--source", "shop", "--target", "phone", "--backbone", "convnet", *more


@pytest.fixture(scope="module")
def found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    result: dict[str, Any] = Command(tmp_path_factory.mktemp("home")).json(*words(folder), prelude=SHORT)
    return result


def test_what_is_amiss_with_the_photographs_is_found(found: dict[str, Any]) -> None:
    shop, phone = (found["data"]["domains"][name] for name in ("shop", "phone"))
    assert (shop["photographs"], phone["photographs"]) == (32, 30)
    assert (shop["unreadable"], phone["unreadable"]) == (["mug/broken.jpg"], [])
    assert (shop["items"]["mug"], shop["missing"]) == (11, [])
    (group,) = found["data"]["identical"]
    assert [place["domain"] for place in group] == ["shop", "shop"]
    assert group[1]["file"].startswith("mug/twice")


def test_the_forecast_fits_together(found: dict[str, Any]) -> None:
    told = found["forecast"]
    low, high = told["gain_interval"]
    assert low <= told["gain"] <= high
    assert abs(told["gain"]) <= told["signs"]["changed"] + 1e-9
    assert told["after"] == pytest.approx(told["before"] + told["gain"])
    assert told["verdict"] in ("helps", "hurts", "hardly", "open")
    assert told["seconds"] > 0
    assert 0 <= found["distance"]["a_distance"] <= 2
    item_sets = found["item_sets"]
    assert item_sets["setting"] in SETTINGS
    assert set(item_sets["shown"]) <= set(ITEMS)
    assert (item_sets["items"], item_sets["evidence"]["photographs"]) == (3, 30)
    before, after = zip(*found["label_shift"]["shares"].values(), strict=True)
    assert (sum(before), sum(after)) == pytest.approx((1, 1))


def test_labels_of_the_target_are_looked_at_only_when_asked_for(
    found: dict[str, Any], folder: Path, run: Command
) -> None:
    phone = found["data"]["domains"]["phone"]
    assert (phone["items"], phone["missing"], phone["doubts"]) == (None, None, None)
    checked = run.json(*words(folder, "--check-labels", "phone"), prelude=SHORT)
    assert checked["data"]["domains"]["phone"]["items"] == dict.fromkeys(ITEMS, 10)
    assert checked["data"]["domains"]["phone"]["doubts"] is not None
    for what in ("distance", "label_shift", "item_sets"):
        assert checked[what] == found[what]
    assert checked["forecast"]["signs"] == found["forecast"]["signs"]


def test_no_label_of_the_target_takes_part(found: dict[str, Any], folder: Path, run: Command, tmp_path: Path) -> None:
    """The target's pictures change places between its items, and the examination says the same."""
    moved = shutil.copytree(folder, tmp_path / "things")
    for number in range(5):
        mug, pen = (sorted((moved / "phone" / item).iterdir())[number] for item in ("mug", "[red] pen"))
        mug.rename(moved / "phone" / "[red] pen" / f"from-mug-{number}{mug.suffix}")
        pen.rename(moved / "phone" / "mug" / f"from-pen-{number}{pen.suffix}")
    again = run.json(*words(moved), prelude=SHORT)
    assert again["forecast"]["signs"] == pytest.approx(found["forecast"]["signs"], abs=1e-9)
    assert again["distance"] == pytest.approx(found["distance"], abs=1e-9)
    assert again["item_sets"]["setting"] == found["item_sets"]["setting"]
    assert again["item_sets"]["evidence"] == pytest.approx(found["item_sets"]["evidence"], abs=1e-9)
    assert again["label_shift"]["total_variation"] == pytest.approx(found["label_shift"]["total_variation"], abs=1e-9)


def test_a_target_that_nobody_has_sorted_is_examined_as_well(folder: Path, run: Command, tmp_path: Path) -> None:
    heap = shutil.copytree(folder, tmp_path / "things")
    for picture in sorted((heap / "phone").glob("*/*")):
        picture.rename(heap / "phone" / f"{ITEMS.index(picture.parent.name)}-{picture.name}")
    for item in ITEMS:
        (heap / "phone" / item).rmdir()
    assert run.json(*words(heap), prelude=SHORT)["forecast"]["signs"]["changed"] >= 0


def test_a_stored_model_is_taken_and_said(own_folder: Path, owned: tuple[Command, dict[str, Any]]) -> None:
    command, trained = owned
    code, out, err = command("doctor", "--target", "phone")
    assert code == 0, err
    assert trained["id"] in err
    assert out.splitlines()[0].startswith(("adapting ", "hardly anything to gain"))
    assert "\x1b" not in out
    assert len(command.json("models", "list")["models"]) == 1  # none was stored


def test_without_names_the_machine_and_the_counts_are_told(own_folder: Path, run: Command) -> None:
    told = run.json("doctor", "--data", own_folder)
    assert {name: each["photographs"] for name, each in told["data"]["domains"].items()} == {"phone": 30, "shop": 30}
    assert (told["forecast"], told["distance"]) == (None, None)
    assert told["machine"]["fault"] is None
    assert not (run.home / "cache" / "pixels").exists()
    code, out, _ = run("doctor")
    assert code == 0
    assert out.startswith("no data set is here: office31 download brings one")


def test_a_torch_that_does_not_work_is_a_finding(own_folder: Path, run: Command) -> None:
    broken = "import sys\nsys.modules['torch'] = None"
    done: Done = run("doctor", "--data", own_folder, prelude=broken)
    assert done.code == 0, done.err
    assert "torch does not work: " in done.out


def test_every_extra_is_told_of() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["project"]["optional-dependencies"]) - {"dev", "bench"} <= set(EXTRAS)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--source shp --target phone", "did you mean shop?"),
        ("--source shop --target phne", "did you mean phone?"),
        ("--source shop --target shop", "it is the target"),
        ("--source shop --target phone --check-labels phne", "did you mean phone?"),
        ("--target phone", "--source"),
        ("--model nope --backbone convnet --target phone", "leave out --backbone"),
        ("--backbone convnet", "name --source and --target"),
    ],
)
def test_wrong_words_are_told_in_one_line(own_folder: Path, run: Command, line: str, told: str) -> None:
    assert_error(run("doctor", "--data", own_folder, *line.split()), 2, told)
