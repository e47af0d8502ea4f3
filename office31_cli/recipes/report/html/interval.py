"""Accuracies with their intervals, one above the other on one scale."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from office31_cli.recipes.report.html.axes import Scale
from office31_cli.recipes.report.html.svg import drawing, element, hover, line, text
from office31_cli.results import Evaluation
from office31_cli.text import format_percent, shorten

WIDTH = 350
_ROW, _LEFT, _RIGHT, _BASE = 44, 8, 8, 22
_LONGEST = 42


def draw_intervals(label: str, rows: Sequence[tuple[Evaluation, str]]) -> Markup:
    """By row a score and the class of its colour; the scale is always that of all accuracies, from none to all."""
    across = Scale(0, 1, _LEFT, WIDTH - _RIGHT)
    bottom = _ROW * len(rows) + 4
    drawn: list[Element] = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        anchor = "start" if tick == 0 else "end" if tick == 1 else "middle"
        drawn.append(line(across(tick), 0, across(tick), bottom, "grid"))
        drawn.append(text(across(tick), bottom + 15, f"{100 * tick:.0f} %", anchor=anchor, class_="tick"))
    for place, (score, hue) in enumerate(rows):
        y = _ROW * place + 32
        low, high = (across(bound) for bound in score.ci95)
        bounds = " to ".join(map(format_percent, score.ci95))
        told = f"{score.model}: {format_percent(score.accuracy)}, 95 % interval {bounds}"
        drawn += [
            text(_LEFT, y - 14, shorten(score.model, _LONGEST), class_=f"name {hue}"),
            line(_LEFT, y, across(score.accuracy), y, f"stem {hue}"),
            element(
                "rect", hover(told), x=low, y=y - 6, width=max(high - low, 2), height=12, rx=3, class_=f"band {hue}"
            ),
            element("circle", hover(told), cx=across(score.accuracy), cy=y, r=5, class_=f"spot {hue}"),
        ]
    return drawing(WIDTH, bottom + _BASE, label, drawn)
