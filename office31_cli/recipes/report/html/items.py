"""Each item's accuracy as a bar, the other model's as a mark on it."""

from collections.abc import Sequence

from markupsafe import Markup

from office31_cli.recipes.report.html.axes import Scale
from office31_cli.recipes.report.html.svg import drawing, element, group, hover, line, text
from office31_cli.recipes.report.html.words import format_points
from office31_cli.recipes.report.results import ItemRow
from office31_cli.text import format_percent, pluralize, shorten

WIDTH = 350
_ROW, _LEFT, _RIGHT, _TOP = 21, 118, 86, 4
_LONGEST = 16


def draw_bars(label: str, rows: Sequence[ItemRow]) -> Markup:
    """One row an item, in the order given."""
    across = Scale(0, 1, _LEFT, WIDTH - _RIGHT)
    height = _TOP + _ROW * len(rows) + 4
    drawn = [line(across(tick), _TOP, across(tick), height - 4, "grid") for tick in (0, 0.5, 1)]
    for place, row in enumerate(rows):
        y = _TOP + _ROW * place
        told = f"{row.item}: {format_percent(row.accuracy)} of {pluralize(row.photographs, 'photograph')}"
        before = [] if row.other is None else [line(across(row.other), y + 3, across(row.other), y + 18, "mark")]
        gained = "" if row.other is None else f" ({format_points(row.accuracy - row.other)})"
        bar = across(row.accuracy) - across(0)
        drawn.append(
            group(
                hover(told + ("" if row.other is None else f", other model {format_percent(row.other)}")),
                element("rect", x=0, y=y, width=WIDTH, height=_ROW, class_="row"),
                text(_LEFT - 8, y + 15, shorten(row.item, _LONGEST), anchor="end"),
                element("rect", x=across(0), y=y + 5, width=max(bar, 1), height=11, class_="bar"),
                *before,
                text(WIDTH - _RIGHT + 8, y + 15, f"{100 * row.accuracy:.0f} %{gained}", class_="value"),
            )
        )
    return drawing(WIDTH, height, label, drawn)
