"""Photographs as points: circles of the source, squares of the target, crosses where it is classified wrongly.

An upright cross shows none of the model's items.
"""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

import numpy as np
from markupsafe import Markup

from office31_cli.data.photographs import UNKNOWN, UNLABELLED, IntArray
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.report.html.svg import LETTER, drawing, element, group, hover, text
from office31_cli.recipes.report.results import DomainPoints, ModelEmbedding
from office31_cli.text import shorten

SIDE = 520
_MARGIN = 20
_LONGEST = 16
CROSS, PLUS = "m-3-3l6 6m0-6l-6 6", "m-4 0h8m-4-4v8"
"""Drawn from the middle of a point."""
_LINE = 11
"""Pixels between two names, one above the other."""


def draw_points(label: str, panel: ModelEmbedding, items: Sequence[str]) -> Markup:
    """One model's photographs; the source's lie below, and each item's name beside its group."""
    drawn = [element("rect", x=0.5, y=0.5, width=SIDE - 1, height=SIDE - 1, rx=6, class_="ground")]
    if panel.source is not None:
        drawn.append(group(*_dots(panel.source, "round", items), class_="source"))
    drawn.append(group(*_dots(panel.target, "square", items), class_="target"))
    named = panel.source if panel.source is not None and panel.source.items is not None else panel.target
    drawn.append(group(*_names(named, items), class_="names"))
    return drawing(SIDE, SIDE, label, drawn)


def _dots(cloud: DomainPoints, shape: str, items: Sequence[str]) -> Iterator[Element]:
    """One path an item: a line of no length is drawn as its end, which the style sheet makes round or square."""
    places = _places(cloud)
    if cloud.items is None or cloud.right is None:
        yield element("path", hover(cloud.domain), d=_marks(places, "h0"), class_=shape)
        return
    if (unlabelled := places[cloud.items == UNLABELLED]).size:
        yield element("path", hover(f"{cloud.domain}, not labelled"), d=_marks(unlabelled, "h0"), class_=shape)
    if (unknown := places[cloud.items == UNKNOWN]).size:
        told = f"{cloud.domain}, none of the model's items"
        yield element("path", hover(told), d=_marks(unknown, PLUS), class_="cross")
    for item in _known_items(cloud.items):
        for right in (True, False):
            chosen = places[(cloud.items == item) & (cloud.right == right)]
            if len(chosen):
                crossed = not right and shape == "square"
                told = f"{items[item]}, {cloud.domain}{'' if right else ', classified wrongly'}"
                drawn = _marks(chosen, CROSS if crossed else "h0")
                yield element("path", hover(told), d=drawn, class_=f"{'cross' if crossed else shape} i{item}")


def _known_items(items: IntArray) -> list[int]:
    """The numbers of the model's items among those of photographs (n,), which may be negative."""
    return [item for item in np.unique(items).tolist() if item >= 0]


def _places(cloud: DomainPoints) -> FloatArray:
    return _MARGIN + cloud.points * (SIDE - 2 * _MARGIN)


def _marks(places: FloatArray, mark: str) -> str:
    return "".join(f"M{x:.0f} {y:.0f}{mark}" for x, y in places.tolist())


def _names(cloud: DomainPoints, items: Sequence[str]) -> Iterator[Element]:
    """Above the middle of each group, or as near to there as other names leave room."""
    if cloud.items is None:
        return
    places, taken = _places(cloud), list[tuple[float, float, float]]()
    for item in _known_items(cloud.items):
        x, y = np.median(places[cloud.items == item], axis=0).tolist()
        name = shorten(items[item], _LONGEST)
        half = LETTER * len(name) / 2
        x = min(max(x, half + 4), SIDE - half - 4)
        free = (y + step for step in _STEPS if all(_apart((x, y + step, half), other) for other in taken))
        taken.append((x, next(free, y + _STEPS[0]), half))
        yield text(x, taken[-1][1], name, anchor="middle", class_=f"i{item}")


_STEPS = (-8, 14, -8 - _LINE, 14 + _LINE, -8 - 2 * _LINE, 14 + 2 * _LINE, 3)
"""Where a name may stand, in pixels from the middle of its group."""


def _apart(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return abs(one[1] - other[1]) >= _LINE or abs(one[0] - other[0]) >= one[2] + other[2]
