"""The map of characters, read back as a reader would: rows and columns by their keys, shares in tenths."""

import io
import re
import string
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from office31_cli.render.heatmap import HeatMap

OFFICE31 = [f"{'desktop_computer' if number == 8 else 'thing'}{number:02}"[:16] for number in range(31)]


def shown(counts: list[list[int]], items: list[str], width: int = 80, *, colours: bool = False) -> list[str]:
    """The lines in a terminal of so many columns."""
    out = io.StringIO()
    system = "truecolor" if colours else None
    Console(file=out, width=width, force_terminal=colours, color_system=system).print(HeatMap(counts, items))  # type: ignore[arg-type]
    return out.getvalue().splitlines()


def expected(count: int, total: int, right: bool) -> str:
    if not total:
        return " "
    if count == 0 and not right:
        return "·"
    return "*" if count == total else str(int(Fraction(10 * count, total)))


matrices = st.integers(1, 9).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 30) | st.just(0), min_size=size, max_size=size), min_size=size, max_size=size
    )
)


@given(matrices, st.sampled_from([24, 80]))
def test_every_share_can_be_read_from_its_row_and_column(counts: list[list[int]], width: int) -> None:
    items = [f"item {number}" for number in range(len(counts))]
    header, *rows = shown(counts, items, width)[: len(counts) + 1]
    columns = {key: header.index(key) for key in string.ascii_letters[: len(counts)]}
    for number, (row, item) in enumerate(zip(rows, items, strict=True)):
        key = string.ascii_letters[number]
        assert row.startswith(f"{item} {key}")
        found = [row.ljust(width)[columns[other]] for other in columns]
        total = sum(counts[number])
        assert found == [expected(count, total, place == number) for place, count in enumerate(counts[number])]


def test_office31_fits_eighty_columns_with_two_a_cell() -> None:
    counts = [[7 * (row == column) + (row + 1 == column) for column in range(31)] for row in range(31)]
    lines = shown(counts, OFFICE31)
    assert max(map(cell_len, lines)) <= 80
    assert [line.split()[0] for line in lines[1:32]] == OFFICE31
    assert lines[1].split()[2:4] == ["8", "1"]


def test_where_two_columns_do_not_fit_one_does_and_names_are_cut() -> None:
    counts = [[int(row == column) for column in range(31)] for row in range(31)]
    lines = shown(counts, ["a name that is far too long"] * 31, 44)
    assert max(map(cell_len, lines)) <= 44
    assert lines[3] == "a name th… c ··*" + "·" * 28


@pytest.mark.parametrize(("items", "width"), [(31, 39), (63, 300)])
def test_what_does_not_fit_says_what_to_do(items: int, width: int) -> None:
    lines = shown([[1] * items] * items, [str(number) for number in range(items)], width)
    assert " ".join(lines) == f"{items} items do not fit here as a map: pipe the command to get the counts"


def test_colours_change_no_character() -> None:
    counts = [[9, 1, 0], [20, 5, 3], [0, 0, 0]]
    plain, coloured = (shown(counts, ["mug", "pen", "bike"], colours=colours) for colours in (False, True))
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in coloured] == plain
    assert any("48;2" in line for line in coloured)


def test_a_name_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in "".join(shown([[1, 0], [0, 1]], ["\x1b[2J", "pen"]))
