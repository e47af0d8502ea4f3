"""The first screen of a command is its answer: 40 lines of 80 columns, in which no word is broken."""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.helpers.real_command import Command

LINES, COLUMNS = 40, 80

WITH_DETAILS = {
    "evaluate": "evaluate --split webcam --model {model}",
    "evaluate of several outputs": "evaluate --split webcam --model several",
    "doctor": "doctor",
    "doctor of a task": "doctor --source amazon --target webcam --model {model}",
    "methods": "methods",
    "strategies": "strategies",
    "models show": "models show {model}",
    "models show of several outputs": "models show several",
    "benchmark": "benchmark --seeds 0,1,2 --epochs 1 --steps 2 --jobs 1",
    "compare labels": "compare labels --target dslr --seeds 0,1 --epochs 1 --train head --model {model}",
}
"""Command lines on the drawn sample which print more with `--details`, by what they are."""

OTHERS = {
    "models list": "models list",
    "models tree": "models tree",
    "predict": "predict {pictures} --model {model}",
    "predict with sets": "predict {pictures} --model {model} --coverage 0.9",
    "tune": "tune --method mcc --tasks A-W --epochs 1 --steps 2 --jobs 1",
    "benchmark --dry-run": "benchmark --dry-run",
    "compare optimizers --landscape": "compare optimizers --landscape",
    "pretrain": "pretrain --domain amazon --epochs 1",
    "finetune": "finetune --target dslr --epochs 1 --model {model}",
    "adapt": "adapt --target dslr --method mcc --epochs 1 --steps 2 --model {model}",
    "report": "report {model} -o {folder}/page.html --embedding pca",
    "models export": "models export {model} -o {folder}/model.safetensors",
    "download": "download --sample",
}

ON_OWN_PICTURES = {
    "compare outputs": "compare outputs --data {own} --backbone convnet --epochs 1 --seeds 0,1",
    "compare optimizers": "compare optimizers --data {own} --backbone convnet --epochs 1",
    "compare chapter": "compare chapter --data {own} --epochs 1",
}
"""As many lines as on the sample, in less time."""


@pytest.fixture(scope="module")
def names(
    drawn: Command,
    pretrained: dict[str, Any],
    own_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """What stands in the command lines' braces; trains a model of several outputs first."""
    words = ("--domain", "amazon", "--domain", "webcam", "--epochs", "1", "--outputs", "item+domain+web")
    assert drawn("pretrain", *words, "--name", "several").code == 0
    return {
        "model": str(pretrained["id"]),
        "pictures": str(drawn.home / "data" / "sample" / "dslr" / "mug"),
        "own": str(own_folder),
        "folder": str(tmp_path_factory.mktemp("written")),
    }


def lines(shown: str) -> list[str]:
    return [line.rstrip() for line in re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown).splitlines()]


def words(shown: list[str]) -> set[str]:
    return set(re.sub("[│┃█┄─└├┤▁▂▃▄▅▆▇]", " ", " ".join(shown)).split())


@pytest.fixture(scope="module")
def screen(drawn: Command, names: dict[str, str]) -> Callable[[str], list[str]]:
    """The lines of a command's first screen, by what it is; each is run once."""

    @functools.cache
    def show(what: str) -> list[str]:
        line = (WITH_DETAILS | OTHERS | ON_OWN_PICTURES)[what].format(**names)
        return lines(drawn.seen(*line.split(), columns=COLUMNS))

    return show


@pytest.mark.parametrize("what", [*WITH_DETAILS, *OTHERS, *ON_OWN_PICTURES])
def test_the_answer_fits_a_screen(screen: Callable[[str], list[str]], what: str) -> None:
    shown = screen(what)
    assert 0 < len(shown) <= LINES
    assert max(map(cell_len, shown)) <= COLUMNS


@pytest.mark.parametrize("what", WITH_DETAILS)
def test_details_are_told_of_and_hold_what_the_answer_does(
    drawn: Command, names: dict[str, str], screen: Callable[[str], list[str]], what: str
) -> None:
    line = WITH_DETAILS[what].format(**names).split()
    short, long = screen(what), lines(drawn.seen(*line, "--details", columns=COLUMNS))
    assert any("--details" in each for each in short)
    assert not any("--details" in each for each in long)
    assert max(map(cell_len, long)) <= COLUMNS
    assert len(long) > len(short) or what == "benchmark"
    piped = drawn(*line, "--details").out.splitlines()
    assert len(words(piped)) >= len(words(short))


def test_no_name_is_broken(drawn: Command, names: dict[str, str]) -> None:
    """Not those of items, which are the longest words of all tables."""
    scored = drawn.json("evaluate", "--split", "webcam", "--model", names["model"])
    for more in ((), ("--details",)):
        shown = lines(drawn.seen("evaluate", "--split", "webcam", "--model", names["model"], *more))
        items = [row["actual"] for row in scored["confused"][:3]]
        items += list(scored["per_item"]) if more else []
        assert set(items) <= words(shown)
    told = drawn.json("predict", names["pictures"], "--model", names["model"])["pictures"]
    shown = lines(drawn.seen("predict", names["pictures"], "--model", names["model"]))
    assert {Path(each["path"]).name for each in told} <= words(shown)
    assert {item for each in told for item, _ in each["top"]} <= words(shown)


def test_an_error_is_one_line_in_a_pipe_and_broken_between_words_in_a_terminal(run: Command) -> None:
    line = ("pretrain", "--domain", "amazon", "--data", "./a-folder/that-is-not/here-at-all/and/has-a-long-name")
    done = run(*line)
    assert done.err.count("\n") == 1
    shown = lines(run.seen(*line, stream="stderr", code=2))
    assert len(shown) > 1
    assert max(map(cell_len, shown)) <= COLUMNS
    assert " ".join(shown) == done.err.rstrip()


def test_a_summary_names_the_worst_items_and_the_commonest_confusions(drawn: Command, names: dict[str, str]) -> None:
    words = ("evaluate", "--split", "webcam", "--model", names["model"])
    scored = drawn.json(*words)
    shown = drawn(*words).out.splitlines()
    rows = sorted(scored["per_item"].items(), key=lambda pair: (pair[1]["accuracy"], pair[0]))
    assert shown[0].startswith(f"{scored['model']} on webcam:all, ")
    assert f"accuracy          │ {100 * scored['accuracy']:.1f} %" in shown[2]
    start = shown.index("the worst 5 of 31 items") + 4
    assert [line.split("│")[1].strip() for line in shown[start : start + 6] if "│" in line] == [
        item for item, _ in rows[:5]
    ]
    start = shown.index("most often confused") + 4
    assert [line.split("│")[1].strip() for line in shown[start : start + 4] if "│" in line] == [
        pair["actual"] for pair in scored["confused"][:3]
    ]
