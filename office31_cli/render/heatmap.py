"""A confusion matrix as a map of characters, for a terminal: colours add to the characters, and say nothing new."""

import string
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from office31_cli.text import printable

_KEYS = string.ascii_letters + string.digits
"""What stands for an item above its column."""

_SHORTEST = 6
"""Columns of a name that is cut."""

RIGHT, WRONG = "rgb(90,140,210)", "rgb(205,85,75)"
"""Ink that can be read on dark terminals and on light ones."""

_RIGHT = ((150, 180, 215), (10, 75, 150))
_WRONG = ((225, 160, 130), (165, 15, 15))
"""Backgrounds for none of an item's photographs and for all of them; what lies between is mixed from the two."""

_LIGHT = 380
"""Red, green and blue together from which on a background asks for dark ink."""

_LEGEND = (
    "A row is an item, a column what it was taken for. 1 to 9: tenths of the item's photographs, *: all of them, "
    "0: less than a tenth, ·: none."
)


class HeatMap:
    """Counts (K, K), actual by predicted, of the named items; each row shows shares of its item's photographs."""

    def __init__(self, counts: Sequence[Sequence[int]], items: Sequence[str]) -> None:
        self._counts, self._names = counts, [printable(item) for item in items]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Two columns a cell; where that is too wide one, and where that is as well a line that says so."""
        count, longest = len(self._names), max(map(cell_len, self._names))
        cell = next((width for width in (2, 1) if _SHORTEST + 3 + width * count <= options.max_width), 0)
        if not cell or count > len(_KEYS):
            yield Text(f"{count} items do not fit here as a map: pipe the command to get the counts")
            return
        gap = " " * (2 - cell)
        name = min(longest, options.max_width - 2 - len(gap) - cell * count)
        yield Text(" " * (name + 2) + gap + "".join(key.rjust(cell) for key in _KEYS[:count]), no_wrap=True)
        for row, counts in enumerate(self._counts):
            label = f"{_shorten(self._names[row], name)} {_KEYS[row]}{gap}"
            total = sum(counts)
            cells = [_format_cell(counts[column], total, column == row, cell) for column in range(count)]
            yield Text.assemble(label, *cells, no_wrap=True, overflow="crop")
        yield Text(_LEGEND, style="dim")


def _format_cell(count: int, total: int, right: bool, width: int) -> tuple[str, Style]:
    """The character of a share of an item's photographs, and how it looks: in blue what is right, in red mistakes."""
    if not total:
        return " " * width, Style.null()
    if not count and not right:
        return "·".rjust(width), Style(dim=True)
    tenths = 10 * count // total
    symbol = ("*" if count == total else str(tenths)).rjust(width)
    if not tenths:
        return symbol, Style(color=RIGHT if right else WRONG)
    few, all_of_them = _RIGHT if right else _WRONG
    mixed = [round(one + (two - one) * count / total) for one, two in zip(few, all_of_them, strict=True)]
    ink = "rgb(0,0,0)" if sum(mixed) > _LIGHT else "rgb(255,255,255)"
    return symbol, Style(color=ink, bgcolor=Color.from_rgb(*mixed))


def _shorten(name: str, width: int) -> str:
    """A name in exactly so many columns."""
    return set_cell_size(name, width) if cell_len(name) <= width else set_cell_size(name, width - 1) + "…"
