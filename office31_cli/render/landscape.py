"""Descents on a curve, drawn with characters."""

from rich.text import Text

from office31_cli.recipes.compare.results import Descent, Landscape

WIDTH, HEIGHT = 72, 10

START, PATH, END, CURVE = "○", "●", "◆", "·"


def render_landscape(result: Landscape) -> list[Text]:
    """A drawing for each optimizer: the curve, its path, and where it ended."""
    return [_draw_descent(row, result.curve) for row in result.rows]


def _draw_descent(row: Descent, curve: list[tuple[float, float]]) -> Text:
    canvas = [[" "] * WIDTH for _ in range(HEIGHT)]
    (left, _), (right, _) = curve[0], curve[-1]
    low, high = min(height for _, height in curve), max(height for _, height in curve)
    levels = {}
    for place, height in curve:
        column, level = _find_nearest(place, left, right, WIDTH), _find_nearest(height, high, low, HEIGHT)
        canvas[level][column] = CURVE
        levels[column] = level
    marks = [
        (row.path[0], START),
        *((place, PATH) for place in row.path[1:]),
        (row.path[0], START),
        (row.path[-1], END),
    ]
    for place, mark in marks:
        if left <= place <= right:
            column = _find_nearest(place, left, right, WIDTH)
            canvas[levels[column]][column] = mark
    drawing = "\n".join("".join(line).rstrip() for line in canvas)
    return Text.assemble((row.title, "bold"), "\n", drawing)


def _find_nearest(value: float, first: float, last: float, count: int) -> int:
    """Which of `count` evenly spaced places from `first` to `last` is nearest."""
    return min(count - 1, max(0, round((value - first) / (last - first) * (count - 1))))
