"""Results that are printed while they are made: they may be many, and are never all in memory."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from office31_cli.render.console import build_cell, build_table, format_json
from office31_cli.render.layout import share_room
from office31_cli.text import printable


class Column(NamedTuple):
    """A column whose cells are not known yet."""

    name: str
    """Begins with `>` where it is aligned to the right."""
    line: int
    """Columns of a terminal that its longest text takes."""
    word: int
    """Those of its longest word, which is not broken where there is room."""


def stream_table(
    title: str, columns: Sequence[Column], batches: Iterable[Sequence[Sequence[str]]], caption: str = ""
) -> Generator[RenderableType, None, None]:
    """A table in parts: its head, the rows of each batch, its foot; nothing where there are no rows."""
    begun = False
    for rows in filter(None, batches):
        if not begun:
            yield Text(printable(title), style="bold")
            yield _Part(columns, (), slice(-1), header=True)
            begun = True
        yield _Part(columns, rows, slice(1, -1))
    if begun:
        yield _Part(columns, (), slice(-1, None))
        if caption:
            yield Text(printable(caption), style="dim")


def stream_json(
    head: dict[str, Any], key: str, batches: Iterable[Sequence[dict[str, Any]]], tail: Callable[[], dict[str, Any]]
) -> Generator[str, None, None]:
    """One JSON object in parts: the members of `head`, a list `key` of all that the batches hold, those of `tail`.

    It is no JSON before its last part, so that what breaks off is not taken for the whole.
    """
    yield format_json(head, indent=2).removesuffix("\n}") + f",\n  {format_json(key)}: ["
    before = "\n"
    for rows in batches:
        for row in rows:
            yield f"{before}    {format_json(row)}"
            before = ",\n"
    yield "\n  ]," + format_json(tail(), indent=2).removeprefix("{") + "\n"


@dataclass(frozen=True)
class _Part:
    """Some lines of a table whose columns are as wide in each of its parts."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    lines: slice
    header: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = build_table("", *(column.name for column in self.columns))
        table.show_header = self.header
        widths = _fit_widths(self.columns, options.max_width - 3 * len(self.columns) - 1)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = width
        for row in self.rows:
            table.add_row(*map(build_cell, row))
        for line in console.render_lines(table, options, pad=False)[self.lines]:
            yield from line
            yield Segment.line()


def _fit_widths(columns: Sequence[Column], room: int) -> list[int]:
    """Widths that fit into the room together and break no word; where there are none, the longest words are broken."""
    names = [len(column.name.removeprefix(">")) for column in columns]
    words = [max(name, column.word) for name, column in zip(names, columns, strict=True)]
    lines = [max(word, column.line) for word, column in zip(words, columns, strict=True)]
    if widths := share_room([*zip(words, lines, strict=True)], room):
        return widths
    most = max(words)
    while most > 1 and sum(min(word, most) for word in words) > room:
        most -= 1
    return [min(word, most) for word in words]
