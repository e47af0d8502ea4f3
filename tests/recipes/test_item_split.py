"""Which items the tasks of a benchmark hold: the literature's splits, one's own lists, and folders that differ."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from office31_cli.data import sets
from office31_cli.data.data_set import DataSet, Listing
from office31_cli.data.photographs import UNKNOWN, UNLABELLED, Photographs
from office31_cli.errors import Misuse
from office31_cli.recipes.benchmark.item_split import TaskItems, keep_items, plan_items

TASKS = {"A-B": ("a", "b"), "B-A": ("b", "a")}


def folders(**items: str) -> DataSet:
    """Domains with one photograph of each letter's item."""
    listings = {
        domain: Listing(Path("/nowhere"), tuple(f"{item}/1.jpg" for item in letters), tuple(letters))
        for domain, letters in items.items()
    }
    return DataSet.of("things", Path("/nowhere"), listings)


def names(split: Mapping[str, TaskItems]) -> dict[str, tuple[str, str]]:
    return {task: ("".join(items.source), "".join(items.target)) for task, items in split.items()}


def test_the_splits_of_office31_are_those_of_the_literature() -> None:
    known = sets.load("office31")
    first = ["back_pack", "bike", "calculator", "headphones", "keyboard", "laptop_computer", "monitor", "mouse", "mug"]
    shared = {*first, "projector"}
    others = sorted(set(known.items()) - shared)
    assert set(known.splits["partial"].source) == set(known.items())
    assert set(known.splits["partial"].target) == shared
    assert set(known.splits["open"].source) == shared
    assert set(known.splits["open"].target) == shared | set(others[10:])
    assert set(known.splits["universal"].source) == shared | set(others[:10])
    assert set(known.splits["universal"].target) == shared | set(others[10:])
    assert sets.find_split(known.items(), "open") == known.splits["open"]
    assert sets.find_split(first, "open") is None


@pytest.mark.parametrize(
    ("setting", "divided"),
    [
        (None, {"A-B": ("xyz", "yz"), "B-A": ("wyz", "yz")}),
        ("closed", {"A-B": ("yz", "yz"), "B-A": ("yz", "yz")}),
        ("partial", {"A-B": ("xyz", "yz"), "B-A": ("wyz", "yz")}),
        ("open", {"A-B": ("yz", "wyz"), "B-A": ("yz", "xyz")}),
        ("universal", {"A-B": ("xyz", "wyz"), "B-A": ("wyz", "xyz")}),
    ],
)
def test_folders_whose_items_differ_are_their_own_split(
    setting: str | None, divided: dict[str, tuple[str, str]]
) -> None:
    plan = plan_items(folders(a="xyz", b="wyz"), TASKS, setting, None, None)
    assert names(plan.tasks) == divided
    assert plan.setting == (setting or "partial")
    assert plan.metric == ("hos" if setting in ("open", "universal") else "accuracy")


def test_folders_with_the_same_items_are_closed_and_change_no_key_of_partial_results() -> None:
    plan = plan_items(folders(a="xyz", b="xyz"), TASKS, None, None, None)
    assert (plan.setting, plan.differ) == ("closed", False)
    assert plan.identity(("x", "y", "z")) == {}
    part = plan_items(folders(a="xyz", b="xyz"), TASKS, None, ["x", "y"], ["y", "x"])
    assert (part.setting, part.differ) == ("closed", False)
    assert part.identity(("x", "y", "z")).keys() == {"items"}


def test_lists_say_which_items_there_are_and_so_what_the_setting_is() -> None:
    data = folders(a="wxyz", b="xyz")
    plan = plan_items(data, TASKS, None, ["w", "x"], ["x", "y", "z"])
    assert (plan.setting, plan.metric) == ("universal", "hos")
    assert names(plan.tasks)["A-B"] == ("wx", "xyz")
    assert names(plan.tasks)["B-A"] == ("x", "xyz")  # b shows no w
    assert plan_items(data, TASKS, None, None, ["x", "y"]).setting == "partial"
    assert plan_items(data, TASKS, None, ["x"], None).setting == "open"


@pytest.mark.parametrize(
    ("setting", "source", "target", "line"),
    [
        ("opne", None, None, "did you mean open?"),
        ("open", ["x"], None, "the lists of items say what the setting is"),
        (None, ["xx"], None, "no labelled domain of things shows it"),
        (None, [], None, "the list is empty"),
        (None, ["x"], ["y"], "its source and target share no item"),
        ("open", None, None, "has no item of the target that the source lacks"),
        ("universal", None, None, "has no item of the target that the source lacks"),
        ("partial", None, None, "all domains of things hold the same items"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    setting: str | None, source: list[str] | None, target: list[str] | None, line: str
) -> None:
    with pytest.raises(Misuse) as raised:
        plan_items(folders(a="xyz", b="xyz"), TASKS, setting, source, target)
    assert line in str(raised.value)


def some(*items: int) -> Photographs:
    """Photographs of these items."""
    count = len(items)
    files = tuple(map(str, range(count)))
    return Photographs("a", Path("/nowhere"), files, np.array(items), files, np.arange(count))


def test_photographs_of_other_items_are_left_out_and_unknown_ones_have_no_number() -> None:
    photographs = some(0, 1, 2, 3, UNLABELLED)
    kept = keep_items(photographs, ("w", "x", "y", "z"), kept=("x", "z"), predicted=("z", "w"))
    assert (kept.items.tolist(), kept.rows.tolist()) == ([UNKNOWN, 0], [1, 3])
    whole = keep_items(photographs, ("w", "x", "y", "z"), kept=("w", "x", "y", "z"), predicted=("w", "x", "y", "z"))
    assert whole.items.tolist() == [0, 1, 2, 3, UNLABELLED]
