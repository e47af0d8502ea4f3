"""Random figures of a few strokes and shapes: what the sample's cameras see in place of things.

Every random number comes from a stream keyed by (seed, what is drawn), so a picture does not depend on which
others were drawn before it, and the same seed gives the same bytes with the same Pillow.
"""

import colorsys
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

UNLIKE = 0.045
"""The least mean difference of ink between two symbols, of 1."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """One part of a symbol: a stroke along points, or the area within them."""

    points: Array  # (n, 2) in [-1, 1], y downwards
    filled: bool
    hue: float  # in turns of the colour circle
    value: float  # brightness, 0 to 1


def random_stream(seed: int, what: str) -> np.random.Generator:
    """The random numbers for one thing to draw, whatever else is drawn and in which order."""
    digest = hashlib.sha256(f"{seed}/{what}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16])))


def draw_distinct_symbols(number: int, seed: int) -> list[tuple[Mark, ...]]:
    """Random symbols of which no two look alike: a candidate too near to an earlier one is dropped."""
    symbols: list[tuple[Mark, ...]] = []
    looks: list[Array] = []
    rng = random_stream(seed, "symbols")
    while len(symbols) < number:
        symbol = _draw_symbol(rng)
        look = appearance(symbol)
        visible = look.mean() > 0.04
        if visible and all(np.abs(look - other).mean() > UNLIKE for other in looks):
            symbols.append(symbol)
            looks.append(look)
    return symbols


def appearance(symbol: tuple[Mark, ...]) -> Array:
    """A symbol as a coarse camera sees it on white: ink, (12, 12, 3) in [0, 1], for comparing two symbols."""
    canvas = Image.new("RGB", (96, 96), "white")
    draw_marks(canvas, symbol, np.diag([0.75, 0.75, 1.0]), width=0.16)
    return 1 - np.asarray(canvas.reduce(8), dtype=np.float64) / 255


def draw_marks(
    canvas: Image.Image,
    marks: Iterable[Mark],
    pose: Array,
    width: float,
    colour: tuple[int, int, int] | None = None,
) -> None:
    """Draw the marks onto the square canvas, in their own colours or all in one."""
    brush = ImageDraw.Draw(canvas)
    half = canvas.width / 2
    thickness = round(width * half * float(pose[0, 0]))
    for mark in marks:
        seen = np.column_stack([mark.points, np.ones(len(mark.points))]) @ pose.T
        points = [tuple(point) for point in half * (1 + seen[:, :2] / seen[:, 2:])]
        red, green, blue = colorsys.hsv_to_rgb(mark.hue % 1, 0.8, min(mark.value, 1.0))
        ink = colour or (round(255 * red), round(255 * green), round(255 * blue))
        if mark.filled:
            brush.polygon(points, fill=ink)
        else:
            brush.line(points, fill=ink, width=thickness, joint="curve")


def _draw_symbol(rng: np.random.Generator) -> tuple[Mark, ...]:
    """Two to four marks in two colours, centred and scaled to the unit circle."""
    shapes = [_SHAPES[rng.integers(len(_SHAPES))](rng) for _ in range(rng.integers(2, 5))]
    everything = np.concatenate([points for points, _ in shapes])
    centre = (everything.max(0) + everything.min(0)) / 2
    radius = np.linalg.norm(everything - centre, axis=1).max()
    first = rng.uniform()
    hues = (first, first + rng.uniform(0.25, 0.75))
    return tuple(
        Mark((points - centre) / radius, filled, hues[index % 2], rng.uniform(0.35, 0.75))
        for index, (points, filled) in enumerate(shapes)
    )


def _draw_polyline(rng: np.random.Generator) -> tuple[Array, bool]:
    return rng.uniform(-1, 1, (rng.integers(2, 5), 2)), False


def _draw_polygon(rng: np.random.Generator) -> tuple[Array, bool]:
    angles = rng.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi, rng.integers(3, 6), endpoint=False)
    return rng.uniform(-0.5, 0.5, 2) + rng.uniform(0.3, 0.7) * _circle(angles), True


def _draw_arc(rng: np.random.Generator) -> tuple[Array, bool]:
    angles = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(1.0, 2.0) * np.pi, 24)
    return rng.uniform(-0.5, 0.5, 2) + rng.uniform(0.4, 0.8) * _circle(angles), False


def _draw_dot(rng: np.random.Generator) -> tuple[Array, bool]:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return rng.uniform(-0.8, 0.8, 2) + rng.uniform(0.15, 0.35) * _circle(angles), True


_SHAPES: tuple[Callable[[np.random.Generator], tuple[Array, bool]], ...] = (
    _draw_polyline,
    _draw_polygon,
    _draw_arc,
    _draw_dot,
)


def _circle(angles: Array) -> Array:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
