"""Results that are printed while they are made: they may be many, and are never all in memory."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from office31_cli.render.console import build_cell, build_table, format_json
from office31_cli.text import printable

Column = tuple[str, int]
"""A column's name, which begins with `>` where it is aligned to the right, and how wide its widest text is."""


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
        made = build_table("", *(name for name, _ in self.columns))
        made.show_header = self.header
        edges = 3 * len(self.columns) + 1
        natural = [max(len(name.removeprefix(">")), width) for name, width in self.columns]
        for column, width in zip(made.columns, _fit_widths(natural, options.max_width - edges), strict=True):
            column.width = width
        for row in self.rows:
            made.add_row(*map(build_cell, row))
        for line in console.render_lines(made, options, pad=False)[self.lines]:
            yield from line
            yield Segment.line()


def _fit_widths(widths: Sequence[int], room: int) -> list[int]:
    """Widths of at least 1 that fit into the room together: the widest give way first, and to the same width."""
    most = max(widths)
    while most > 1 and sum(min(width, most) for width in widths) > room:
        most -= 1
    return [min(width, most) for width in widths]
