"""Labels by file: `--labels-from` with items, `labels.csv` in a data set, and domains that are labelled in part."""

import csv
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import Command, assert_error

QUICK = ("--epochs", "1", "--batch-size", "8")
MODEL = ("--model", "base")
TUNE = ("finetune", "--target", "cam", *MODEL, *QUICK)


@pytest.fixture(scope="module")
def stall(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`shop` has folders of three items; `cam` the same things in 30 loose pictures, `ITEM NUMBER.jpg`."""
    root = tmp_path_factory.mktemp("stall") / "things"
    (root / "cam").mkdir(parents=True)
    for name, shown in (("mug", "mug"), ("[red] pen", "pen"), ("vélo", "bike")):
        shutil.copytree(own_folder / "shop" / name, root / "shop" / shown)
        for number, picture in enumerate(sorted((own_folder / "phone" / name).iterdir())):
            shutil.copy(picture, root / "cam" / f"{shown} {number}.jpg")
    return root


@pytest.fixture(scope="module")
def command(stall: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command with a model of the shop's three items, `base`."""
    command = Command(tmp_path_factory.mktemp("home"))
    start = ("--domain", "shop", "--data", stall, "--backbone", "convnet", "--name", "base")
    command.json("pretrain", *start, *QUICK)
    return command


def write(path: Path, rows: Iterable[tuple[str, str]]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def label(path: Path, *numbers: int, **renamed: str) -> Path:
    """A CSV of `cam`'s pictures of these numbers; an item may go by another name."""
    items = ("mug", "pen", "bike")
    return write(path, [(f"{item} {number}.jpg", renamed.get(item, item)) for item in items for number in numbers])


def card(command: Command, model: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = command.json("models", "show", model["id"])["card"]
    return shown


def test_a_flat_domain_is_trained_on_with_a_files_labels(command: Command, tmp_path: Path) -> None:
    listed = label(tmp_path / "few.csv", 0, 1, 2, 3)
    done = command(*TUNE, "--labels-from", listed)
    assert (done.code, done.err) == (0, "cam: 12 photographs are labelled, 18 are not\n")
    made = command.json(*TUNE, "--labels-from", listed, "--held-out", "0")
    assert (made["labels"], made["photographs"], made["held_out"]) == ("listed", 12, 0)
    assert made["labels_used"] == {"cam": 12, "shop": 24}
    configuration = card(command, made)["configuration"]
    assert configuration["listed"][0] == "bike 0.jpg"
    assert configuration["listed_items"][0] == "bike"


def test_a_share_of_a_files_labels_is_held_out(command: Command, tmp_path: Path) -> None:
    made = command.json(*TUNE, "--labels-from", label(tmp_path / "few.csv", *range(5)))
    assert (made["photographs"], made["held_out"]) == (12, 3)


@pytest.mark.parametrize("strategy", ["mme", "mcc"])
def test_the_unlabelled_rest_is_trained_on(command: Command, tmp_path: Path, strategy: str) -> None:
    made = command.json(*TUNE, "--labels-from", label(tmp_path / "few.csv", 0, 1), "--strategy", strategy)
    assert made["photographs"] < 6 <= made["photographs"] + made["held_out"]


def test_labels_of_a_file_come_before_the_folders(command: Command, stall: Path, tmp_path: Path) -> None:
    picture = next(iter(sorted((stall / "shop" / "mug").iterdir())))
    listed = write(tmp_path / "fix.csv", [(f"mug/{picture.name}", "pen"), (str(picture), "pen")])
    scored = command.json("evaluate", "--split", "shop:all", *MODEL, "--labels-from", listed)
    assert {item: row["photographs"] for item, row in scored["per_item"].items()} == {"pen": 1}


def test_a_files_photographs_are_scored_and_no_others(command: Command, tmp_path: Path) -> None:
    listed = label(tmp_path / "more.csv", 5, 6)
    scored = command.json("evaluate", "--split", "cam", *MODEL, "--labels-from", listed)
    assert (scored["split"], scored["photographs"], scored["unlabelled"]) == ("cam:all", 6, 0)
    assert (scored["setting"], scored["labels_from"]) == ("closed", str(listed))
    assert {item: row["photographs"] for item, row in scored["per_item"].items()} == {"bike": 2, "mug": 2, "pen": 2}


def test_what_the_model_has_seen_is_left_out_unless_all_is_asked_for(command: Command, tmp_path: Path) -> None:
    made = command.json(*TUNE, "--labels-from", label(tmp_path / "few.csv", 0, 1), "--held-out", "0")
    words = ("--model", made["id"], "--labels-from", label(tmp_path / "more.csv", 1, 2))
    scored = command.json("evaluate", "--split", "cam", *words)
    assert (scored["photographs"], scored["seen"]) == (3, 0)
    scored = command.json("evaluate", "--split", "cam:all", *words)
    assert (scored["photographs"], scored["seen"]) == (6, 3)
    words = ("--model", made["id"], "--labels-from", label(tmp_path / "seen.csv", 0))
    done = command("evaluate", "--split", "cam", *words)
    assert (done.code, done.out) == (1, "")
    assert "error: cam:test: no photographs are in this part; use --split cam:all" in done.err


def test_paths_alone_are_scored_by_the_labels_that_there_are(command: Command, tmp_path: Path, stall: Path) -> None:
    pictures = sorted((stall / "shop" / "pen").iterdir())[:2]
    (tmp_path / "list.txt").write_text("\n".join(f"shop/pen/{picture.name}" for picture in pictures))
    words = ("evaluate", "--split", "shop:all", *MODEL, "--labels-from", tmp_path / "list.txt")
    assert command.json(*words)["photographs"] == 2
    (tmp_path / "list.txt").write_text("mug 0.jpg\n")
    refused = command("evaluate", "--split", "cam", *MODEL, "--labels-from", tmp_path / "list.txt")
    assert_error(refused, 2, "domain cam: none of its pictures has a label")


def test_items_that_look_like_typing_errors_are_refused_unless_they_are_meant(command: Command, tmp_path: Path) -> None:
    listed = label(tmp_path / "typo.csv", 0, 1, mug="Mugs")
    refused = command(*TUNE, "--labels-from", listed)
    assert_error(refused, 2, "typo.csv, line 1: there is no item Mugs", "did you mean mug?", "--new-items")
    done = command(*TUNE, "--labels-from", listed, "--new-items")
    assert done.code == 0
    assert "2 show an item that the model does not know (Mugs) and are left out: see --add-items" in done.err
    assert_error(command(*TUNE, "--new-items"), 2, "--new-items", "--labels-from")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("mug 0.jpg,mug\nmug 0.jpg,pen\n", "line 2: mug 0.jpg is pen here and mug in line 1"),
        ("path,item\nmug 0.jpg,\n", "line 2: it states no item"),
        ("path,item\nmug 0.jpg\n", "line 2: it has 1 field instead of 2"),
        ("path,item\n../../passwd,mug\n", "line 2: ../../passwd leads out of "),
        ("/etc/passwd,mug\nmug 0.jpg,mug\n", "line 1: /etc/passwd leads out of "),
        ("mug 0.jpg,mug\nmug 77.jpg,mug\n", "line 2: mug 77.jpg is no photograph of cam; did you mean mug 7.jpg?"),
        ('path,item\nmug 0.jpg,"mug\n', "line 2: it is not CSV"),
        ("path,item\nmug 0.jpg,mug\0\n", "line 2: it holds a zero byte"),
        ("path,item\n", "it names no photograph"),
    ],
)
def test_a_malformed_file_is_one_line(command: Command, content: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(content)
    assert_error(command(*TUNE, "--labels-from", tmp_path / "labels.csv"), 2, "--labels-from", why)


def test_a_path_through_a_link_that_leads_out_is_refused(command: Command, stall: Path, tmp_path: Path) -> None:
    (tmp_path / "away.jpg").touch()
    link = stall.parent / "link"
    link.symlink_to(tmp_path)
    listed = write(tmp_path / "labels.csv", [("mug 0.jpg", "mug"), (str(link / "away.jpg"), "mug")])
    assert_error(command(*TUNE, "--labels-from", listed), 2, "line 2", "leads out of")


@pytest.fixture(scope="module")
def stated(stall: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `stall`, with labels in the data set itself, beside its domains and in one of them."""
    root = shutil.copytree(stall, tmp_path_factory.mktemp("stated") / "things")
    label(root / "cam" / "labels.csv", 0, 1, 2)
    rows = [("file", "item", "colour"), ("cam/mug 5.jpg", "trolley", "red"), ("cam/pen 5.jpg", "", "blue")]
    with (root / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return root


def test_labels_in_the_data_set_are_read_wherever_it_is_opened(command: Command, stated: Path) -> None:
    done = command("evaluate", "--split", "cam", *MODEL, "--data", stated)
    assert done.code == 0
    told = "cam: 9 photographs are labelled, 20 are not, 1 shows an item that the model does not know (trolley)\n"
    assert done.err == told
    made = command.json(*TUNE, "--data", stated)
    assert (made["photographs"], made["held_out"]) == (6, 3)
    made = command.json("pretrain", "--domain", "cam", "--data", stated, "--backbone", "convnet", *QUICK)
    assert (made["photographs"], made["held_out"]) == (7, 3)


def test_an_adaptation_uses_all_and_is_scored_on_what_is_labelled(command: Command, stated: Path) -> None:
    words = ("adapt", "--target", "cam", *MODEL, "--data", stated, "--method", "mcc", "--steps", "2", *QUICK)
    right = 9 * command.json(*words)["scores"]["last"]
    assert right == pytest.approx(round(right))


def test_labels_that_are_added_leave_what_is_cached_as_it_is(command: Command, stated: Path, tmp_path: Path) -> None:
    root = shutil.copytree(stated, tmp_path / "things")
    command.json("evaluate", "--split", "cam", *MODEL, "--data", root)
    before = sorted(path for path in (command.home / "cache").rglob("*") if path.is_file())
    times = [path.stat().st_mtime_ns for path in before if "digests" not in path.parts]
    label(root / "cam" / "labels.csv", *range(5))
    assert command.json("evaluate", "--split", "cam", *MODEL, "--data", root)["photographs"] == 15
    after = sorted(path for path in (command.home / "cache").rglob("*") if path.is_file())
    assert after == before
    assert [path.stat().st_mtime_ns for path in after if "digests" not in path.parts] == times


def test_a_label_that_is_changed_makes_another_run(command: Command, stated: Path, tmp_path: Path) -> None:
    root = shutil.copytree(stated, tmp_path / "things")
    (root / "labels.csv").unlink()
    first = command.json(*TUNE, "--data", root, "--resume")
    assert command.json(*TUNE, "--data", root, "--resume")["id"] == first["id"]
    label(root / "cam" / "labels.csv", 0, 1, 2, mug="pen", pen="mug")
    assert command.json(*TUNE, "--data", root, "--resume")["id"] != first["id"]


def test_files_that_contradict_each_other_are_refused(command: Command, stated: Path, tmp_path: Path) -> None:
    root = shutil.copytree(stated, tmp_path / "things")
    write(root / "labels.csv", [("file", "item"), ("cam/mug 0.jpg", "pen")])
    refused = command("evaluate", "--split", "cam", *MODEL, "--data", root)
    assert_error(refused, 2, "cam/labels.csv: it says that mug 0.jpg shows mug", "that it shows pen")
