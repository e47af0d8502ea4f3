"""Tables in a terminal that is too narrow for them: no word of a cell is broken, and no column left out.

Cells break between words; where that is not enough, the lines between columns go; then columns move below.
"""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table

Extent = tuple[int, int]
"""Of a column: its longest word and its longest line."""

_UNBOUNDED = 1 << 20


def fit_to_width(table: Table, console: Console) -> Iterator[Table]:
    """The table, or several with its columns side by side as far as they fit; the first column stands in each."""
    extents = [_measure(column, table.show_header, console) for column in table.columns]
    everything, room = range(len(extents)), console.width
    if widths := share_room(extents, room - (3 * len(extents) + 1)):
        yield _build_part(table, everything, widths)
        return
    for places in _group_columns(extents, room):
        yield _remove_lines(_build_part(table, places, _share_plain_room([extents[place] for place in places], room)))


def _measure(column: Column, headed: bool, console: Console) -> Extent:
    options = console.options.update_width(_UNBOUNDED)
    shown = [*column.cells, *([column.header] if headed else [])]
    measured = [Measurement.get(console, options, each) for each in shown]
    return max((each.minimum for each in measured), default=0), max((each.maximum for each in measured), default=0)


def share_room(extents: Sequence[Extent], room: int) -> list[int]:
    """Widths that fill the room and break no word, those of like columns alike; none where there are none."""

    def widths(level: int) -> list[int]:
        return [max(word, min(level, line)) for word, line in extents]

    levels = range(max((line for _, line in extents), default=0), -1, -1)
    return next((found for level in levels if sum(found := widths(level)) <= room), [])


def _share_plain_room(extents: Sequence[Extent], room: int) -> list[int]:
    """As `_shared`, of columns with two spaces between them."""
    return share_room(extents, room - 2 * (len(extents) - 1))


def _group_columns(extents: Sequence[Extent], room: int) -> list[list[int]]:
    """Places of columns that fit side by side, the first in each group; one that is too wide is alone with it."""
    groups = [[0]]
    for place in range(1, len(extents)):
        longer = [*groups[-1], place]
        if len(longer) == 2 or _share_plain_room([extents[each] for each in longer], room):
            groups[-1] = longer
        else:
            groups.append([0, place])
    return groups


def _build_part(table: Table, places: Sequence[int], widths: Sequence[int]) -> Table:
    """Some columns of the table, in so many characters each if that is known."""
    made = Table(show_header=table.show_header)
    chosen = [table.columns[place] for place in places]
    for place, column in enumerate(chosen):
        width = widths[place] if widths else None
        made.add_column(column.header, justify=column.justify, overflow=column.overflow, width=width)
    for cells in zip(*(column.cells for column in chosen), strict=True):
        made.add_row(*cells)
    return made


def _remove_lines(table: Table) -> Table:
    """Without lines but for one below the header."""
    table.box, table.show_edge, table.pad_edge, table.collapse_padding = box.SIMPLE_HEAD, False, False, True
    return table
