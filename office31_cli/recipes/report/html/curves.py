"""What a training noted, epoch by epoch, as curves."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from xml.etree.ElementTree import Element

from markupsafe import Markup

from office31_cli.recipes.report.html.axes import Scale, frame, round_ticks, spread_out
from office31_cli.recipes.report.html.svg import LETTER, drawing, element, group, hover, polyline, text
from office31_cli.text import shorten

WIDTH, HEIGHT = 350, 220
_LEFT, _TOP, _BOTTOM = 44, 14, 36
_LONGEST = 14

HUES = 6
"""Colours that the style sheet has for series, `hue0` and on; more series begin anew."""


def draw_curves(
    label: str, series: Mapping[str, Sequence[float]], told: Callable[[float], str], *, marked: int | None = None
) -> Markup:
    """Series over epochs on one scale, each named at its end; `told` writes a value, `marked` is an epoch to ring."""
    values = [value for row in series.values() for value in row if isfinite(value)]
    epochs = max(map(len, series.values()))
    ticks = round_ticks(min(values, default=0.0), max(values, default=1.0))
    right = 12 + LETTER * max(len(shorten(name, _LONGEST)) for name in series)
    across = Scale(1, max(epochs, 2), _LEFT, WIDTH - right)
    up = Scale(ticks[0], ticks[-1], HEIGHT - _BOTTOM, _TOP)
    columns = [1, *(tick for tick in round_ticks(1, max(epochs, 2)) if tick == int(tick) and 1 < tick <= epochs)]
    drawn = frame(across, up, {tick: told(tick) for tick in ticks}, {tick: f"{tick:g}" for tick in columns}, "epoch")
    ends = [_end(row) for row in series.values()]
    places = spread_out([up(ends_at) for ends_at in ends], 13, HEIGHT - _BOTTOM)
    for number, (name, row) in enumerate(series.items()):
        drawn += _series(name, row, number % HUES, across, up, told, marked)
        drawn.append(
            text(across.end + 7, places[number] + 4, shorten(name, _LONGEST), class_=f"name hue{number % HUES}")
        )
    return drawing(WIDTH, HEIGHT, label, drawn)


def _end(row: Sequence[float]) -> float:
    return next((value for value in reversed(row) if isfinite(value)), 0.0)


def _series(
    name: str,
    row: Sequence[float],
    hue: int,
    across: Scale,
    up: Scale,
    told: Callable[[float], str],
    marked: int | None,
) -> list[Element]:
    points = [(across(epoch), up(value)) for epoch, value in enumerate(row, 1)]
    dots = []
    for epoch, (value, (x, y)) in enumerate(zip(row, points, strict=True), 1):
        if isfinite(value):
            seen = "ring" if epoch == marked else "end" if epoch == len(row) else None
            dots.append(element("circle", hover(f"{name}, epoch {epoch}: {told(value)}"), cx=x, cy=y, r=4, class_=seen))
    return [polyline(points, f"curve hue{hue}"), group(*dots, class_=f"dots hue{hue}")]
