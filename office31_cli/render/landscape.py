"""Ways down a curve, drawn with characters and as a picture."""

from pathlib import Path

from rich.text import Text

from office31_cli.recipes.compare.results import Descent, Landscape
from office31_cli.workflow.pictures import figure_of, write_picture

WIDTH, HEIGHT = 72, 14

START, WAY, END, CURVE = "○", "●", "◆", "·"


def render_landscape(found: Landscape) -> list[Text]:
    """A drawing for each optimizer: the curve, where it went, and where it ended."""
    return [_draw_descent(row, found.curve) for row in found.rows]


def _draw_descent(row: Descent, curve: list[tuple[float, float]]) -> Text:
    canvas = [[" "] * WIDTH for _ in range(HEIGHT)]
    (left, _), (right, _) = curve[0], curve[-1]
    low, high = min(height for _, height in curve), max(height for _, height in curve)
    levels = {}
    for place, height in curve:
        column, level = _find_nearest(place, left, right, WIDTH), _find_nearest(height, high, low, HEIGHT)
        canvas[level][column] = CURVE
        levels[column] = level
    marks = [(row.path[0], START), *((place, WAY) for place in row.path[1:]), (row.path[0], START), (row.path[-1], END)]
    for place, mark in marks:
        if left <= place <= right:
            column = _find_nearest(place, left, right, WIDTH)
            canvas[levels[column]][column] = mark
    drawn = "\n".join("".join(line).rstrip() for line in canvas)
    return Text.assemble((format_title(row), "bold"), "\n", drawn, "\n")


def _find_nearest(value: float, first: float, last: float, count: int) -> int:
    """Which of `count` evenly spaced places from `first` to `last` is nearest."""
    return min(count - 1, max(0, round((value - first) / (last - first) * (count - 1))))


def format_title(row: Descent) -> str:
    """What happened, in a line."""
    end = "in no minimum" if row.minimum == "none" else f"in the {row.minimum} minimum"
    return f"{row.optimizer}, learning rate {row.lr:g}: ends {end} after {len(row.path) - 1} steps"


def save_landscape_plot(found: Landscape, path: Path) -> None:
    """The drawings as a PNG; raises `Failed` where matplotlib is not installed."""
    figure = figure_of("--png", 8, 2.6 * len(found.rows))
    places, heights = zip(*found.curve, strict=True)
    for axes, row in zip(figure.subplots(len(found.rows), squeeze=False)[:, 0], found.rows, strict=True):
        axes.plot(places, heights, color="0.6")
        shown = [place for place in row.path if places[0] <= place <= places[-1]]
        way = [heights[_find_nearest(place, places[0], places[-1], len(places))] for place in shown]
        axes.plot(shown, way, ".-", linewidth=0.6, markersize=4, color="tab:blue", alpha=0.6)
        axes.plot(shown[-1:], way[-1:], "D", color="tab:red")
        axes.set_title(format_title(row), fontsize=10)
    write_picture(figure, path)
