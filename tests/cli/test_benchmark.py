"""Benchmarks through the real command: figures that fit together, beside those that others published."""

import json
import shutil
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from tests.helpers.real_command import Command, Done, assert_error

PICTURES = 30
"""Of each domain of `own_folder`."""

STOPPED_AFTER_ONE = """
import os, signal
from office31_cli.workflow.partial_results import PartialResults
keep = PartialResults.keep
def keep_and_stop(*words):
    keep(*words)
    os.kill(os.getpid(), signal.SIGINT)
PartialResults.keep = keep_and_stop
"""
"""Interrupts a benchmark once a method's cells with one seed are kept."""


def words(folder: Path, *more: str) -> tuple[str | Path, ...]:
    quick = ("--backbone", "convnet", "--weights", "none", "--steps", "5", "--epochs", "3", "--batch-size", "8")
    return "benchmark", "--data", folder, *quick, *more


@pytest.fixture(scope="module")
def mixed(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own pictures, with a domain `heap` of pictures that nobody has sorted."""
    root = shutil.copytree(own_folder, tmp_path_factory.mktemp("mixed") / "things")
    shutil.copytree(root / "phone" / "mug", root / "heap")
    return root


@pytest.fixture(scope="module")
def done(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    command = Command(tmp_path_factory.mktemp("home"))
    more = ("--methods", "erm,mcc,shot,adabn", "--seeds", "0,1,2", "--json")
    return command(*words(mixed, *more))


@pytest.fixture(scope="module")
def found(done: Done) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(done.out)
    return result


def test_it_adapts_from_every_labelled_domain_to_every_other(found: dict[str, Any]) -> None:
    assert found.keys() >= {"backbone", "selection", "seeds", "seconds", "rows"}
    assert (found["backbone"], found["selection"], found["seeds"]) == ("convnet", "last epoch", [0, 1, 2])
    assert found["photographs"] == {"phone": PICTURES, "shop": PICTURES}
    assert [row["method"] for row in found["rows"]] == ["erm", "mcc", "shot", "adabn"]
    for row in found["rows"]:
        assert row.keys() >= {"method", "tasks", "average", "published"}
        assert row["tasks"].keys() == {"P-S", "S-P"}


def test_means_and_deviations_are_those_of_the_runs(found: dict[str, Any]) -> None:
    for row in found["rows"]:
        tasks = row["tasks"].values()
        for task in tasks:
            assert len(task["runs"]) == 3
            assert (task["mean"], task["std"]) == pytest.approx((mean(task["runs"]), stdev(task["runs"])))
            assert max(task["mean"], task["selected"]) <= task["oracle"] + 1e-9
            for share in task["runs"]:
                assert share * PICTURES == pytest.approx(round(share * PICTURES))
        seeds = [mean(runs) for runs in zip(*(task["runs"] for task in tasks), strict=True)]
        average = row["average"]
        assert (average["mean"], average["std"]) == pytest.approx((mean(seeds), stdev(seeds)))
        for rule in ("selected", "oracle"):
            assert average[rule] == pytest.approx(mean(task[rule] for task in tasks))


def test_published_figures_are_of_office31_alone(mixed: Path, run: Command) -> None:
    line = words(mixed, "--methods", "erm", "--seeds", "0", "--backbone", "squeezenet1_0")  # whose rows are AlexNet's
    assert run.json(*line)["rows"][0]["published"] is None
    told = "--published alexnet: its figures are of Office-31, and things holds other photographs; leave it out"
    assert_error(run(*line, "--published", "alexnet"), 2, told)


AS_IF_OFFICE31 = (
    "from office31_cli.data.manifest import Manifest; Manifest.is_whole = lambda self, domain, digests: True"
)
"""Takes whatever photographs for those of Office-31, which are not everywhere."""


def test_a_task_by_itself_and_its_table(mixed: Path, run: Command) -> None:
    some = ("--methods", "erm,mcc", "--seeds", "0", "--tasks", "s-p,S-P,", "--jobs", "1", "--published", "AlexNet")
    line = words(mixed, *some, "--weights", "DEFAULT")
    code, out, err = run(*line, prelude=AS_IF_OFFICE31, env={"COLUMNS": "20", "TERM": "xterm-256color"})
    assert code == 0
    assert err.startswith("warning: convnet has no weights, and is frozen")
    assert "; give --weights" in err
    assert err.count("\n") == 1
    assert "\x1b" not in out
    assert "…" not in out
    for text in (
        "S-P",
        "average",
        "selected",
        "oracle",
        "none of the target's",
        "Source only",
        "70.1",
        "recalled; unverified",
    ):
        assert text in out
    assert "P-S" not in out


def test_the_same_benchmark_gives_the_same_figures_with_fewer_methods_and_seeds(
    mixed: Path, run: Command, found: dict[str, Any]
) -> None:
    (row,) = run.json(*words(mixed, "--methods", "shot", "--seeds", "1"))["rows"]
    before = next(row for row in found["rows"] if row["method"] == "shot")
    assert {task: figures["runs"] for task, figures in row["tasks"].items()} == {
        task: figures["runs"][1:2] for task, figures in before["tasks"].items()
    }


def test_what_cannot_be_learnt_from_is_told_in_one_line(mixed: Path, run: Command, tmp_path: Path) -> None:
    few = tmp_path / "few"
    for domain in ("shop", "phone"):
        shutil.copytree(mixed / domain / "mug", few / domain / "mug")
    assert_error(run(*words(few, "--methods", "erm")), 1, "source phone", "all show the same item")
    shutil.rmtree(few / "phone")
    assert_error(run(*words(few, "--methods", "erm")), 1, "fewer than two labelled domains; choose another")
    shutil.copytree(mixed / "heap", few / "heap")
    assert_error(
        run(*words(few, "--methods", "erm")), 1, "domains (unlabelled: heap); try office31 adapt --target heap"
    )


def test_a_failed_cell_is_shown_as_such_and_the_others_finish(mixed: Path, run: Command) -> None:
    """With a rate like this one the confusion of classes stays finite, and the means' distance does not."""
    more = ("--methods", "erm,adabn", "--seeds", "0", "--lr", "1e20", "--json")
    code, out, err = run(*words(mixed, *more))
    assert code == 1
    lines = err.splitlines()
    assert lines[-1].startswith("error: 4 cells failed: the warnings say why; ")
    assert any("erm failed on P-S 0" in line and "loss is" in line for line in lines)
    assert all(line.startswith("warning: ") for line in lines[:-1])
    row = json.loads(out)["rows"][0]
    assert row["average"]["mean"] is None
    for task in row["tasks"].values():
        assert (task["mean"], task["runs"]) == (None, [None])
        assert "loss is" in task["failed"]["0"]


def test_the_figures_do_not_depend_on_the_number_of_processes(mixed: Path, run: Command, found: dict[str, Any]) -> None:
    again = run.json(*words(mixed, "--methods", "erm,mcc", "--seeds", "0,1", "--jobs", "1"))
    for row in again["rows"]:
        before = next(each for each in found["rows"] if each["method"] == row["method"])
        for task, figures in row["tasks"].items():
            assert figures["runs"] == before["tasks"][task]["runs"][:2]


def test_the_plan_is_told_and_nothing_is_computed(mixed: Path, run: Command) -> None:
    plan = run.json(*words(mixed, "--methods", "erm,shot", "--seeds", "0,1", "--dry-run"))
    assert (plan["cells"], plan["there"], plan["seeds"]) == (8, 0, [0, 1])
    assert plan["tasks"] == {"P-S": ["phone", "shop"], "S-P": ["shop", "phone"]}
    assert plan["methods"].keys() == {"erm", "shot"}
    assert not (run.home / "cache" / "features").exists()
    code, out, err = run(*words(mixed, "--methods", "erm", "--dry-run"))
    assert (code, err) == (0, "")
    assert "6 cells" in out
    assert "about 0" not in out


def test_what_source_free_methods_go_on_from_is_in_the_plan(mixed: Path, run: Command) -> None:
    """The seconds of each row are measured, so what is asserted holds whatever they are."""
    plan = run.json(*words(mixed, "--methods", "mcc,shot,tent", "--seeds", "0,1", "--dry-run"))
    rows = {row["method"]: row["seconds"] for row in plan["rows"]}
    assert rows.keys() == {"mcc", "erm", "shot", "tent"}
    assert {row["seeds"] for row in plan["rows"]} == {2}
    assert plan["methods"].keys() == {"mcc", "shot", "tent"}
    together = rows["erm"] + rows["shot"] + rows["tent"]  # of a seed: one job, as they go on from the same networks
    assert plan["seconds"] >= max(rows["mcc"], together) - 0.1
    assert plan["seconds"] <= 2 * (rows["mcc"] + together) + 0.1


def test_cells_that_an_interrupted_run_has_left_are_not_planned_again(mixed: Path, run: Command) -> None:
    line = words(mixed, "--methods", "erm,shot", "--seeds", "0,1", "--jobs", "1")
    assert run(*line, prelude=STOPPED_AFTER_ONE).code == 130
    plan = run.json(*line, "--dry-run")
    assert (plan["cells"], plan["there"]) == (8, 2)
    assert [(row["method"], row["seeds"]) for row in plan["rows"]] == [("erm", 2), ("shot", 2)]  # erm's heads are gone
    code, out, err = run(*words(mixed, "--methods", "erm", "--seeds", "0", "--dry-run"))
    assert (code, err) == (0, "")
    assert "2 cells, 2 of them already computed; estimated: less than 1 s" in out
    assert "erm" not in out


@pytest.mark.parametrize(
    ("form", "holds"), [("markdown", "| --- | ---: |"), ("latex", "\\toprule"), ("csv", "P-S std")]
)
def test_tables_are_taken_along_in_other_formats(mixed: Path, run: Command, form: str, holds: str) -> None:
    code, out, err = run(*words(mixed, "--methods", "erm", "--seeds", "0", "--format", form, "--jobs", "1"))
    assert (code, err) == (0, "")
    assert holds in out
    assert_error(run(*words(mixed, "--format", "markdwon")), 2, "did you mean markdown?")


def test_differences_come_with_how_likely_noise_makes_them(found: dict[str, Any]) -> None:
    pairs = {(each["method"], each["against"]): each for each in found["comparisons"]}
    names = ["erm", "mcc", "shot", "adabn"]
    assert list(pairs) == [(first, second) for place, first in enumerate(names) for second in names[place + 1 :]]
    averages = {row["method"]: row["average"]["mean"] for row in found["rows"]}
    for (first, second), each in pairs.items():
        assert each["difference"] == pytest.approx(averages[first] - averages[second])
        assert 0 < each["p"] <= 1
    saturated = [task for task in ("P-S", "S-P") if all(row["tasks"][task]["mean"] >= 0.95 for row in found["rows"])]
    assert found["saturated"] == saturated
