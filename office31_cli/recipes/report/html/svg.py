"""Drawings as trees of elements, written out by the standard library: no text from outside can become markup.

Colours are classes of the page's style sheet, so that a drawing follows the reader's light or dark theme.
"""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

from office31_cli.text import printable

LETTER = 6.6
"""The width in pixels of a letter of text at the usual size, on average and rather too much."""


def element(tag: str, *children: Element | str, **attributes: object) -> Element:
    """An element: `class_` is its class, other underscores are hyphens; numbers are rounded, None is left out."""
    made = Element(
        tag, {key.rstrip("_").replace("_", "-"): _told(value) for key, value in attributes.items() if value is not None}
    )
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + printable(child)
        else:
            made.text = (made.text or "") + printable(child)
    return made


def drawing(width: float, height: float, label: str, children: Iterable[Element]) -> Markup:
    """A picture of so many pixels; `label` tells those who cannot see it what is on it."""
    box = f"0 0 {_told(width)} {_told(height)}"
    root = element("svg", *children, viewBox=box, width=width, height=height, role="img", aria_label=label)
    return Markup(tostring(root, encoding="unicode"))


def group(*children: Element, **attributes: object) -> Element:
    """Elements together."""
    return element("g", *children, **attributes)


def text(x: float, y: float, told: str, *, anchor: str = "start", **attributes: object) -> Element:
    """A line of text whose baseline is at y."""
    return element("text", told, x=x, y=y, text_anchor=None if anchor == "start" else anchor, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Element:
    """A straight line."""
    return element("path", d=f"M{_told(x1)} {_told(y1)}L{_told(x2)} {_told(y2)}", class_=class_)


def polyline(points: Iterable[tuple[float, float]], class_: str) -> Element:
    """Straight lines from point to point, with a gap where one is not a number."""
    steps, pen_up = [], True
    for x, y in points:
        there = x == x and y == y
        if there:
            steps.append(f"{'M' if pen_up else 'L'}{_told(x)} {_told(y)}")
        pen_up = not there
    return element("path", d="".join(steps), class_=class_)


def hover(told: str) -> Element:
    """The tooltip of the parent element."""
    return element("title", told)


def _told(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return printable(str(value))
