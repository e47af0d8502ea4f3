"""The confusion matrix, as a table of shaded squares."""

from collections.abc import Sequence

from markupsafe import Markup

from office31_cli.data.photographs import IntArray
from office31_cli.recipes.report.html.svg import LETTER, drawing, element, hover, line, text
from office31_cli.text import shorten

CELL = 24
_LONGEST = 18
_FAINTEST, _STRONGEST = 0.1, 0.5
"""Even a single photograph must be seen, and the number on the square be read."""


def draw_confusion(label: str, matrix: IntArray, items: Sequence[str]) -> Markup:
    """The confusion matrix (K, K) in photographs, actual items in rows, shaded by the share of the row."""
    names = [shorten(item, _LONGEST) for item in items]
    margin = 12 + LETTER * max(map(len, names))
    side = CELL * len(items)
    totals = matrix.sum(axis=1)
    drawn = [element("rect", x=margin, y=margin, width=side, height=side, class_="ground")]
    for place, name in enumerate(names):
        middle = margin + CELL * (place + 0.5)
        drawn += [
            text(margin - 8, middle + 4, name, anchor="end", class_="tick"),
            text(0, 4, name, class_="tick", transform=f"translate({middle:.1f} {margin - 8:.1f}) rotate(-90)"),
            line(margin, middle, margin + side, middle, "guide"),
            line(middle, margin, middle, margin + side, "guide"),
        ]
    for actual, predicted in zip(*(places.tolist() for places in matrix.nonzero()), strict=True):
        count = int(matrix[actual, predicted])
        share = count / int(totals[actual])
        x, y = margin + CELL * predicted, margin + CELL * actual
        told = f"{count} of {int(totals[actual])} {items[actual]} taken for {items[predicted]}"
        kind = "right" if actual == predicted else "wrong"
        strength = f"{_FAINTEST + (_STRONGEST - _FAINTEST) * share:.2f}"
        drawn += [
            element(
                "rect", x=x + 1, y=y + 1, width=CELL - 2, height=CELL - 2, rx=3, class_=kind, fill_opacity=strength
            ),
            text(x + CELL / 2, y + CELL / 2 + 4, str(count), anchor="middle", class_="count"),
            element("rect", hover(told), x=x, y=y, width=CELL, height=CELL, class_="row"),
        ]
    return drawing(margin + side + 4, margin + side + 4, label, drawn)
