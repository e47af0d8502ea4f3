"""Comparisons through the real command: what they measure, how they go on after an interruption, how they look."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import Command, Done, assert_error

QUICK = ("--epochs", "1", "--batch-size", "8")
CONVNET = ("--backbone", "convnet", "--weights", "none")
MLP = ("--backbone", "mlp", "--weights", "none")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw")
NO_TORCH = "import sys\nsys.modules['torch'] = None"
"""What is decided before anything is computed gets by without it, and what is not fails at once."""


def outputs(folder: Path, *words: str) -> tuple[str | Path, ...]:
    return "compare", "outputs", "--data", folder, *MLP, *QUICK, *words


def optimizers(folder: Path, *words: str) -> tuple[str | Path, ...]:
    return "compare", "optimizers", "--data", folder, *CONVNET, *QUICK, *words


def chapter(folder: Path, *words: str) -> tuple[str | Path, ...]:
    return "compare", "chapter", "--data", folder, "--epochs", "1", *words


def benchmark(folder: Path, *words: str) -> tuple[str | Path, ...]:
    return "benchmark", "--data", folder, *CONVNET, "--steps", "3", "--jobs", "1", *QUICK, *words


# ---- outputs

COMPARED = {"outputs", "width", "item", "domain", "both", "parameters", "seconds"}


def assert_coherent(found: dict[str, Any], seeds: list[int], epochs: int = 1) -> None:
    """Figures that cannot be otherwise, whatever was learnt."""
    for row in found["rows"]:
        assert row.keys() >= COMPARED
        assert [run["seed"] for run in row["runs"]] == seeds
        assert len(row["loss"]) == epochs
        for name in ("item", "domain", "both"):
            shares = [run[name] for run in row["runs"]]
            if row[name] is None:
                assert set(shares) == {None}
                continue
            assert row[name] == pytest.approx(sum(shares) / len(shares))
            for share in shares:  # each a number of photographs over that of those held out
                assert share * found["held_out"] == pytest.approx(round(share * found["held_out"]))
        if row["both"] is not None:
            assert row["item"] + row["domain"] - 1 <= row["both"] + 1e-9
            assert row["both"] <= min(row["item"], row["domain"]) + 1e-9


@pytest.fixture
def few(drawn: Command, tmp_path: Path) -> Path:
    """Two pictures of each of the sample's 31 items in each of its three domains."""
    for domain in ("amazon", "dslr", "webcam"):
        for item in (drawn.home / "data" / "sample" / domain).iterdir():
            (tmp_path / "few" / domain / item.name).mkdir(parents=True)
            for picture in sorted(item.iterdir())[:2]:
                shutil.copy(picture, tmp_path / "few" / domain / item.name)
    return tmp_path / "few"


def test_the_chapters_three_ways_with_its_domains_and_items(run: Command, few: Path) -> None:
    found = run.json(*outputs(few, "--seeds", "0,1", "--batch-size", "64"))
    rows = {row["outputs"]: row for row in found["rows"]}
    assert list(rows) == ["item+domain", "pair", "separate"]
    assert [row["width"] for row in rows.values()] == [3 + 31, 3 * 31, 3 + 31]
    assert 1.9 < rows["separate"]["parameters"] / rows["item+domain"]["parameters"] < 2.1
    assert rows["pair"]["parameters"] > rows["item+domain"]["parameters"]  # the larger last layer alone
    assert rows["pair"]["parameters"] < 1.1 * rows["item+domain"]["parameters"]
    assert_coherent(found, [0, 1])


def test_alternatives_of_ones_own(run: Command, own_folder: Path) -> None:
    alternatives = ("item", "item+0.5*domain", "item/domain+megapixels")
    found = run.json(*outputs(own_folder, "--seeds", "3,3,1", "--outputs", ",".join(alternatives)))
    assert [(row["outputs"], row["width"]) for row in found["rows"]] == list(zip(alternatives, (3, 5, 6), strict=True))
    assert found["rows"][0]["domain"] is found["rows"][0]["both"] is None
    assert (found["photographs"], found["held_out"], found["claims"]) == (48, 12, [])
    assert_coherent(found, [3, 1])  # each seed once
    alone, weighted, apart = (row["parameters"] for row in found["rows"])
    assert alone < weighted < apart


def test_an_alternative_without_a_name_is_wrong_usage(run: Command, own_folder: Path) -> None:
    for alternatives in ("item+domain,", ",item", ""):
        done = run(*outputs(own_folder, "--outputs", alternatives), prelude=NO_TORCH, process="light")
        assert_error(done, 2, "no name")


def test_a_single_seed_has_no_deviation(run: Command, own_folder: Path) -> None:
    found = run.json(*outputs(own_folder, "--seeds", "0", "--outputs", "item+domain,separate"))
    assert [row["item_std"] for row in found["rows"]] == [None, None]
    assert found["claims"][0]["verdict"] == "borne out"
    assert found["claims"][1]["verdict"] == "undecided"


# ---- optimizers


def test_each_moment_costs_four_bytes_a_parameter(run: Command, own_folder: Path) -> None:
    found = run.json(*optimizers(own_folder, "--optimizers", ",".join(OPTIMIZERS), "--lrs", "1e-3"))
    for network in ("features", "pixels"):
        rows = [row for row in found["rows"] if row["network"] == network]
        assert [row["optimizer"] for row in rows] == list(OPTIMIZERS)
        # Step counters, four bytes a tensor, come on top.
        assert [row["state_bytes_per_parameter"] for row in rows] == pytest.approx([0, 4, 4, 4, 8, 8], abs=0.05)
        assert [row["memory_ratio"] for row in rows] == pytest.approx([1, 2, 2, 2, 3, 3], abs=0.02)
        assert all(0 <= row["item"] <= 1 and row["loss"] > 0 for row in rows)
        assert all(row["milliseconds_in_optimizer"] <= row["milliseconds_per_step"] for row in rows)


def test_a_rate_that_diverges_is_a_result_too(run: Command, own_folder: Path) -> None:
    words = optimizers(own_folder, "--optimizers", "sgd,adam", "--lrs", "1e-3,1e20")
    found = run.json(*words)
    figures = {(row["network"], row["optimizer"], row["lr"]): (row["loss"], row["item"]) for row in found["rows"]}
    assert len(figures) == 8
    for (_, _, rate), figure in figures.items():
        assert (figure == (None, None)) is (rate == 1e20)
    verdicts = {claim["claim"]: claim["verdict"] for claim in found["claims"]}
    assert verdicts["Adam needs three times the parameters' memory"] == "borne out"


def test_momentum_carries_over_the_shallow_minimum(run: Command) -> None:
    found = run.json("compare", "optimizers", "--landscape")
    ends = {row["optimizer"]: row["minimum"] for row in found["rows"]}
    assert (ends["sgd"], ends["momentum"]) == ("shallow", "deep")
    assert [claim["verdict"] for claim in found["claims"]] == ["borne out"]
    losses = {row["optimizer"]: row["loss"] for row in found["rows"]}
    assert losses["momentum"] < losses["sgd"]
    assert len({row["path"][0] for row in found["rows"]}) == 1


def test_a_way_out_of_all_bounds_is_drawn_as_far_as_it_goes(run: Command) -> None:
    words = ("compare", "optimizers", "--landscape", "--optimizers", "sgd", "--lrs", "1e20")
    assert run.json(*words)["rows"][0]["minimum"] == "none"
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert "ends in no minimum" in out


def test_the_drawings_as_a_picture(run: Command, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "ways.png"
    words = ("compare", "optimizers", "--landscape", "--png")
    code, out, err = run(*words, path)
    assert (code, err) == (0, "")
    assert "ends in the deep minimum" in out
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert_error(run(*words, tmp_path / "missing" / "ways.png"), 1, str(tmp_path / "missing"))
    assert [each.name for each in tmp_path.iterdir()] == ["ways.png"]


def test_a_picture_needs_matplotlib(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "ways.png"
    prelude = "import sys\nsys.modules['matplotlib'] = None"
    done = run("compare", "optimizers", "--landscape", "--png", path, prelude=prelude)
    assert_error(done, 1, "matplotlib is not installed", "office31-cli[plots]")
    assert not path.exists()


# ---- chapter


def test_the_textbooks_runs_on_the_sample(drawn: Command) -> None:
    found = drawn.json("compare", "chapter", "--epochs", "1")
    rows = found["rows"]
    assert [(row["network"], row["optimizer"]) for row in rows] == [
        ("10", "sgd"),
        ("64-32-10", "sgd"),
        ("64-32-10", "adam"),
    ]
    pixels, answered = 100 * 100 * 3, 3 + 31
    small = (pixels + 1) * 10 + 11 * answered
    large = (pixels + 1) * 64 + 65 * 32 + 33 * 10 + 11 * answered
    assert [row["parameters"] for row in rows] == [small, large, large]
    assert [row["epochs"] for row in rows] == [1, 1, 1]
    assert all(len(row["loss"]) == 1 for row in rows)
    assert [row["textbook"] for row in rows] == [
        None,
        {"domain": 0.862, "item": 0.213, "seconds": 310},
        {"domain": 0.878, "item": 0.246, "seconds": 310},
    ]
    assert found["claims"] == []  # of runs that were cut short nothing is said
    assert found["held_out"] / (found["photographs"] + found["held_out"]) == pytest.approx(0.2, abs=0.01)


# ---- interrupted

_COUNTED = """
import os, signal, sys
from office31_cli.engine.loop import Training
run, count = Training.run, 0
def counted(self, *words, **more):
    global count
    count += 1
    if count == {stop}:
        os.kill(os.getpid(), signal.SIGINT)
    print("training", file=sys.stderr)
    return run(self, *words, **more)
Training.run = counted
"""
"""Says `training` at the start of each, and interrupts that which is the `stop`th."""

Words = Callable[..., tuple[str | Path, ...]]

COMPARISONS: list[tuple[Words, tuple[str, ...], int]] = [
    (outputs, ("--seeds", "0,1", "--outputs", "item+domain,pair"), 4),
    (optimizers, ("--optimizers", "sgd,adam", "--lrs", "1e-3"), 4),
    (chapter, (), 3),
    (benchmark, ("--methods", "erm,cdan", "--seeds", "0,1"), 4),
]
"""Each with the trainings that it takes."""


def trainings(done: Done) -> int:
    assert done.code == 0, done.err
    return done.err.splitlines().count("training")


def without_times(value: Any) -> Any:
    """What two runs of the same comparison share."""
    if isinstance(value, dict):
        timed = ("seconds", "milliseconds", "claims")
        return {key: without_times(inner) for key, inner in value.items() if not key.startswith(timed)}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("words", "more", "count"), COMPARISONS, ids=["outputs", "optimizers", "chapter", "benchmark"])
def test_an_interrupted_comparison_goes_on_where_it_was(
    run: Command, own_folder: Path, words: Words, more: tuple[str, ...], count: int
) -> None:
    line = words(own_folder, *more, "--json")
    stopped = run(*line, prelude=_COUNTED.format(stop=2))
    assert (stopped.code, stopped.out) == (130, "")
    assert stopped.err.splitlines() == ["training", "error: interrupted: Ctrl-C; run the same command again to go on"]
    assert len(list((run.home / "runs").iterdir())) == 1
    again = run(*line, prelude=_COUNTED.format(stop=0))
    assert trainings(again) == count - 1
    assert f"going on: {1 if words is not benchmark else 2} of " in again.err
    assert list((run.home / "runs").iterdir()) == []
    afresh = run(*line, prelude=_COUNTED.format(stop=0))
    assert trainings(afresh) == count
    assert without_times(json.loads(again.out)) == without_times(json.loads(afresh.out))


def test_source_free_methods_start_from_the_very_training_that_is_erms_row(run: Command, own_folder: Path) -> None:
    line = benchmark(own_folder, "--methods", "shot,tent,erm", "--seeds", "0,1", "--json")
    done = run(*line, prelude=_COUNTED.format(stop=0))
    assert trainings(done) == 2 * (1 + 1 + 2)  # tent's two tasks are trained one by one


def test_another_comparison_takes_nothing_from_an_interrupted_one(run: Command, own_folder: Path) -> None:
    more = ("--seeds", "0,1", "--outputs", "item", "--json")
    run(*outputs(own_folder, *more), prelude=_COUNTED.format(stop=2))
    other = run(*outputs(own_folder, *more, "--lr", "0.01"), prelude=_COUNTED.format(stop=0))
    assert trainings(other) == 2
    assert len(list((run.home / "runs").iterdir())) == 1  # the other's


def test_a_damaged_result_is_passed_over(run: Command, own_folder: Path) -> None:
    line = outputs(own_folder, "--seeds", "0,1", "--outputs", "item", "--json")
    run(*line, prelude=_COUNTED.format(stop=2))
    (kept,) = (run.home / "runs").iterdir()
    kept.write_bytes(kept.read_bytes()[:-5])
    again = run(*line, prelude=_COUNTED.format(stop=0))
    assert trainings(again) == 2
    assert again.err.startswith(f"warning: {kept} is damaged")
    assert list((run.home / "runs").iterdir()) == []


# ---- tables


_ONE_BY_ONE = """
import sys
from office31_cli.cli.main import main
for words in {lines}:
    sys.argv = ["office31", *words]
    try:
        main()
    except SystemExit as left:
        print(f"ended: {{left.code}}", flush=True)
sys.exit()
"""
"""One process for all command lines: most of what each takes is the import of torch."""


def test_piped_tables_are_not_cut(run: Command, own_folder: Path) -> None:
    written = "item+0.25*domain+0.125*megapixels"
    expected = [
        (outputs(own_folder, "--seeds", "0", "--outputs", f"item+domain,separate,{written}"), [written, "half the"]),
        (optimizers(own_folder, "--optimizers", "sgd,adam", "--lrs", "1e-3,1e20"), ["1e+20", "8 B, 3x"]),
        (chapter(own_folder), ["64-32-10", "86.2", "24.6", "310"]),
        (("compare", "optimizers", "--landscape"), ["where plain SGD stays", "ends in the shallow minimum"]),
    ]
    prelude = _ONE_BY_ONE.format(lines=[list(map(str, line)) for line, _ in expected])
    code, out, err = run(prelude=prelude, env={"COLUMNS": "20", "TERM": "xterm-256color"})
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert "…" not in out
    *shown, rest = out.split("ended: 0\n")
    assert rest == ""
    for (_, holds), tables in zip(expected, shown, strict=True):
        for text in holds:
            assert text in tables
