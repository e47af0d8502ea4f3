import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from office31_cli.render.console import build_cell, build_table
from office31_cli.render.stream import Column, stream_json, stream_table

words = st.text(st.characters(exclude_categories=["Cs", "Mn", "Me"]), min_size=1, max_size=12)


def drawn(parts: Iterable[RenderableType], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    for part in parts:
        console.print(part)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(shown, str)
    return shown


def columns_of(rows: Sequence[Sequence[str]], *names: str) -> list[Column]:
    return [
        Column(
            name,
            max(cell_len(build_cell(text).plain) for text in texts),
            max((cell_len(word) for text in texts for word in build_cell(text).plain.split()), default=0),
        )
        for name, texts in zip(names, zip(*rows, strict=True), strict=True)
    ]


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=9), st.integers(1, 9))
def test_where_there_is_room_it_is_the_table_that_it_would_be_in_one_piece(
    rows: list[tuple[str, str, str]], size: int
) -> None:
    whole = build_table("", "first", ">second", "third")
    for row in rows:
        whole.add_row(*map(build_cell, row))
    batches = (rows[start : start + size] for start in range(0, len(rows), size))
    title, _, rest = drawn(
        stream_table("a title", columns_of(rows, "first", ">second", "third"), batches), 200
    ).partition("\n")
    assert title == "a title"
    assert rest == drawn([whole], 200)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_in_a_narrow_terminal_texts_are_folded_and_nothing_is_lost(width: int) -> None:
    rows = [["a/long/path/to/a/picture.jpg", "mug", "91.0 %"], ["b.jpg", "desktop_computer", "7.0 %"]]
    lines = drawn(
        stream_table("t", columns_of(rows, "picture", "item", ">%"), [rows[:1], rows[1:]]), width
    ).splitlines()
    assert {cell_len(line) for line in lines[1:]} <= {cell_len(lines[1])}
    assert cell_len(lines[1]) <= width
    cells = [line.split("│")[1:-1] for line in lines if line.startswith("│")]
    for place in range(3):
        text = "".join(row[place].strip() for row in cells)
        assert text.replace(" ", "") == "".join(row[place] for row in rows).replace(" ", "")


def test_no_rows_are_no_table() -> None:
    assert list(stream_table("t", [Column("a", 3, 3)], [[], []])) == []


def test_no_name_steers_the_table() -> None:
    rows = [["[red]x[/red]\x1b[31m", "│"]]
    assert "[red]x[/red]\\x1b[31m" in drawn(
        stream_table("[bold]t", [Column("a", 30, 30), Column("b", 1, 1)], [rows]), 80
    )


values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.text(min_size=1).map(lambda text: "k" + text), values, max_size=3)


@given(objects.filter(bool), st.lists(st.lists(objects, max_size=3), max_size=4), objects.filter(bool))
def test_parts_are_one_object(head: dict[str, Any], batches: list[list[dict[str, Any]]], tail: dict[str, Any]) -> None:
    tail = {key: value for key, value in tail.items() if key not in head} or {"last": 1}
    parts = list(stream_json(head, "rows", batches, lambda: tail))
    assert json.loads("".join(parts)) == head | {"rows": [row for batch in batches for row in batch]} | tail
    assert "".join(parts).isascii()
    for end in range(len(parts)):
        with pytest.raises(ValueError, match=r"Expecting|delimiter|value"):
            json.loads("".join(parts[:end]))


def test_what_is_no_number_is_null() -> None:
    assert json.loads("".join(stream_json({"a": 1}, "rows", [[{"b": float("nan")}]], lambda: {"c": float("inf")}))) == {
        "a": 1,
        "rows": [{"b": None}],
        "c": None,
    }


def test_no_word_is_broken_where_all_words_fit_side_by_side() -> None:
    rows = [["frame_0001.jpg", "tape_dispenser", "file_cabinet 2.1 %, paper_notebook 0.4 %"]]
    lines = drawn(stream_table("t", columns_of(rows, "picture", "item", "others"), [rows]), 60).splitlines()
    together = " ".join(lines).replace("│", " ").split()
    assert set(" ".join(rows[0]).split()) <= set(together)
    assert max(map(cell_len, lines)) <= 60
