"""Pictures of characters are for terminals: there they tell what the figures do, and a pipe gets the figures alone."""

import re
from typing import Any

import pytest
from rich.cells import cell_len

from tests.helpers.real_command import Command

BLOCKS = "▁▂▃▄▅▆▇█▏▎▍▌▋▊▉"


@pytest.fixture(scope="module")
def scored(drawn: Command, pretrained: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = drawn.json("evaluate", "--split", "webcam", "--model", pretrained["id"], "--confusion")
    return found


def characters(shown: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)


def test_a_pipe_gets_no_bars_and_no_curves(drawn: Command, pretrained: dict[str, Any]) -> None:
    out = drawn("evaluate", "--split", "webcam", "--model", pretrained["id"]).out
    items = out[: out.index("most often confused")]
    assert not set(items) & set(BLOCKS)
    out = drawn("models", "show", pretrained["id"]).out
    assert not set(out) & set(BLOCKS)
    assert "loss" not in out


def test_the_counts_are_of_all_photographs_and_agree_with_the_accuracies(scored: dict[str, Any]) -> None:
    items, counts = scored["confusion"]["items"], scored["confusion"]["counts"]
    assert sum(map(sum, counts)) == scored["photographs"]
    for place, item in enumerate(items):
        row = scored["per_item"][item]
        assert sum(counts[place]) == row["photographs"]
        assert counts[place][place] / sum(counts[place]) == pytest.approx(row["accuracy"])


def test_a_pipe_gets_the_counts_as_a_table(drawn: Command, pretrained: dict[str, Any], scored: dict[str, Any]) -> None:
    out = drawn("evaluate", "--split", "webcam", "--model", pretrained["id"], "--confusion").out
    table = out.split("confusion matrix: a row is an item, a column a prediction\n")[1]
    rows = [re.split(r"\s*│\s*", line)[1:-1] for line in table.splitlines() if line.startswith("│")]
    for item, counts in zip(scored["confusion"]["items"], scored["confusion"]["counts"], strict=True):
        assert [item, *map(str, counts)] in rows


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_shows_bars_and_the_map_within_its_width(
    drawn: Command, pretrained: dict[str, Any], scored: dict[str, Any], no_color: str
) -> None:
    words = ("evaluate", "--split", "webcam", "--model", pretrained["id"], "--confusion", "--details")
    shown = drawn.seen(*words, NO_COLOR=no_color)
    lines = characters(shown).splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert ("48;2;" in shown or "48;5;" in shown) is not bool(no_color)
    title = lines.index("confusion matrix: a row is an item, a column a prediction")
    for item, row in scored["per_item"].items():
        (line,) = [line for line in lines[: lines.index("most often confused")] if line.startswith(f"│ {item} ")]
        assert line.count("█") == int(24 * row["accuracy"])
    rows = lines[title + 2 : title + 33]
    assert [row.split()[0] for row in rows] == scored["confusion"]["items"]


def test_a_terminal_shows_the_course_of_a_training(drawn: Command, pretrained: dict[str, Any]) -> None:
    history = drawn.json("models", "show", pretrained["id"])["card"]["history"]
    assert pretrained["loss"] == pytest.approx([row["item"] for row in history])
    shown = characters(drawn.seen("models", "show", pretrained["id"], columns=160))
    (line,) = [line for line in shown.splitlines() if "loss item" in line]
    start, end = (f"{history[place]['item']:.3g}" for place in (0, -1))
    assert re.search(rf"█[{BLOCKS}]+  {start} to {end} ", line)
    again = characters(drawn.seen("pretrain", "--domain", "amazon", "--epochs", "3"))
    assert f"{start} to {end} " in again
