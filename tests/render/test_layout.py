"""Tables in terminals of any width: every word whole, in its column and row."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from office31_cli.render.console import build_table
from office31_cli.render.layout import fit_to_width

WORDS = st.lists(st.text("abcdefgh±%-1234567890", min_size=1, max_size=12), max_size=4).map(" ".join)


def drawn(made: Table, width: int) -> list[str]:
    """What a terminal of so many columns shows, a text a part."""
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    shown = []
    for part in fit_to_width(made, console):
        with console.capture() as capture:
            console.print(part)
        shown.append(capture.get())
    return shown


def made_of(columns: list[str], rows: list[list[str]]) -> Table:
    made = build_table("", *columns)
    for row in rows:
        made.add_row(*row)
    return made


@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.lists(WORDS, min_size=n, max_size=n), min_size=1, max_size=5)))
def test_every_word_is_whole_and_no_line_is_too_long(lines: list[list[str]]) -> None:
    columns, *rows = lines
    for width in (28, 80):  # the first column, two spaces, and another: 12 + 2 + 12
        parts = drawn(made_of(columns, rows), width)
        assert all(len(line.rstrip()) <= width for part in parts for line in part.splitlines())
        words = " ".join(parts).replace("│", " ").replace("┃", " ").split()
        for cell in (cell for line in lines for cell in line):
            assert set(cell.split()) <= set(words)


def six_tasks(method: str) -> Table:
    tasks = (">A-D", ">A-W", ">D-A", ">D-W*", ">W-A", ">W-D*")
    row = [method, *["68.7 ±0.7"] * 6, "71.3 ±0.2†", "71.2", "72.2"]
    return made_of(["method", *tasks, ">average", ">picked", ">oracle"], [row])


@pytest.mark.parametrize("method", ["erm", "fixmatch", "mcc"])
def test_the_six_tasks_fit_80_columns_side_by_side(method: str) -> None:
    (shown,) = drawn(six_tasks(method), 80)
    header, *body = [line for line in shown.splitlines() if line.strip("─━┏┓┡┩└┘╇┳┴┻ ")]
    assert header.replace("┃", " ").split() == [
        "method", "A-D", "A-W", "D-A", "D-W*", "W-A", "W-D*", "average", "picked", "oracle"
    ]  # fmt: skip
    first, second = (line.replace("│", " ").split() for line in body)
    assert first == [method, *["68.7"] * 6, "71.3", "71.2", "72.2"]
    assert second == [*["±0.7"] * 6, "±0.2†"]


def test_what_fits_is_drawn_as_it_is() -> None:
    made = six_tasks("mcc")
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as capture:
        console.print(made)
    assert drawn(made, 120) == [capture.get()]


def test_columns_that_do_not_fit_move_below_with_the_first_beside_them() -> None:
    columns = ["method", *(f">task-{number:02}" for number in range(20))]
    parts = drawn(made_of(columns, [["erm", *map(str, range(20))]]), 80)
    heads = [part.split("\n")[0].split() for part in parts]
    assert len(parts) > 1
    assert {head[0] for head in heads} == {"method"}
    assert [name for head in heads for name in head[1:]] == [column[1:] for column in columns[1:]]
    assert [cell for part in parts for cell in part.split("\n")[2].split()[1:]] == list(map(str, range(20)))
