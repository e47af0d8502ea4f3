"""Choosing hyper-parameters through the real command: by what they are chosen, and from what."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from office31_cli.recipes.tune import plan_rungs
from tests.helpers.real_command import Command, assert_error


def words(folder: Path, *more: str) -> tuple[str | Path, ...]:
    quick = ("--backbone", "convnet", "--weights", "none", "--steps", "3", "--batch-size", "8", "--jobs", "1")
    return "tune", "--data", folder, "--tasks", "S-P", *quick, *more


@pytest.fixture(scope="module")
def found(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = Command(tmp_path_factory.mktemp("home"))
    more = ("--method", "mcc", "--trials", "4", "--epochs", "3")
    result: dict[str, Any] = command.json(*words(own_folder, *more))
    return result


def test_the_defaults_are_tried_to_the_end_and_the_best_judged_is_picked(found: dict[str, Any]) -> None:
    rows = found["rows"]
    assert len(rows) == 4
    assert {"weight": 1.0, "temperature": 2.5} in [row["settings"] for row in rows if row["epochs"] == 3]
    last = [row for row in rows if row["epochs"] == 3]
    assert found["picked"] == max(last, key=lambda row: row["judged"])["settings"] == rows[0]["settings"]
    assert [row["epochs"] for row in rows] == sorted((row["epochs"] for row in rows), reverse=True)


def test_the_last_line_is_the_command_that_uses_what_was_picked(own_folder: Path, run: Command) -> None:
    more = ("--method", "coral", "--trials", "2", "--search", "random", "--epochs", "1")
    code, out, _ = run(*words(own_folder, *more))
    assert code == 0
    assert out.splitlines()[-1].startswith("office31 adapt --target phone --method coral --set weight=")


def test_settings_lie_in_the_ranges_that_the_method_declares(found: dict[str, Any]) -> None:
    for row in found["rows"]:
        assert 0.01 <= row["settings"]["weight"] <= 10
        assert 0.5 <= row["settings"]["temperature"] <= 10


def test_no_label_of_the_target_takes_part(
    found: dict[str, Any], own_folder: Path, run: Command, tmp_path: Path
) -> None:
    """The target's pictures change places between its items: the same settings are picked, for the same reasons."""
    folder = shutil.copytree(own_folder, tmp_path / "things")
    for number in range(3):
        mug, pen = (sorted((folder / "phone" / item).iterdir())[number] for item in ("mug", "[red] pen"))
        mug.rename(folder / "phone" / "[red] pen" / f"from-mug-{number}{mug.suffix}")
        pen.rename(folder / "phone" / "mug" / f"from-pen-{number}{pen.suffix}")
    again = run.json(*words(folder, "--method", "mcc", "--trials", "4", "--epochs", "3"))
    assert again["picked"] == found["picked"]
    assert [row["judged"] for row in again["rows"]] == [row["judged"] for row in found["rows"]]


def test_labels_of_the_source_that_are_kept_back_may_judge(own_folder: Path, run: Command) -> None:
    more = ("--method", "coral", "--trials", "2", "--search", "random", "--validator", "source", "--epochs", "1")
    for row in run.json(*words(own_folder, *more))["rows"]:
        assert (6 * row["judged"]) % 1 == pytest.approx(0, abs=1e-9)  # a fifth of the 30 photographs


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--method", "mc"), "did you mean mcc or mcd?"),
        (("--method", "erm"), "it has nothing to set"),
        (("--method", "mcc", "--trials", "1"), "use 2 or more"),
        (("--method", "mcc", "--search", "grid"), "known: halving, random"),
        (("--method", "mcc", "--validator", "oracle"), "there is none of that name"),
    ],
)
def test_wrong_words_are_told_in_one_line(own_folder: Path, run: Command, more: tuple[str, ...], told: str) -> None:
    assert_error(run(*words(own_folder, *more)), 2, told)


def test_each_rung_keeps_a_third_for_three_times_the_epochs() -> None:
    assert plan_rungs(9, 10) == [3]
    assert plan_rungs(27, 90) == [10, 30]
    assert plan_rungs(3, 10) == plan_rungs(9, 1) == []
