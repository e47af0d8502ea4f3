"""The family of a model as a tree, one row a model."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from office31_cli.recipes.models.facts import describe_model
from office31_cli.recipes.report.html.svg import LETTER, drawing, element, group, hover, line, text
from office31_cli.recipes.report.results import FamilyMember
from office31_cli.text import pluralize, shorten

_ROW, _STEP, _LEFT, _GAP = 46, 24, 12, 18
_LONGEST = 80


def draw_tree(label: str, family: Sequence[FamilyMember]) -> Markup:
    """Each model below the one that it was made from, with what made it."""
    drawn: list[Element] = []
    rows = [(_name(relative), _told(relative)) for relative in family]
    for place, (relative, (name, told)) in enumerate(zip(family, rows, strict=True)):
        x, y = _LEFT + _STEP * relative.depth, _ROW * place + 18
        above = next((upper for upper in range(place - 1, -1, -1) if family[upper].depth < relative.depth), None)
        if above is not None:
            trunk = x - _STEP
            drawn.insert(0, line(trunk, y, x, y, "branch"))
            drawn.insert(0, line(trunk, _ROW * above + 18, trunk, y, "branch"))
        drawn.append(
            group(
                hover(f"{name}: {told}"),
                element("circle", cx=x, cy=y, r=6, class_="knot"),
                text(x + _GAP, y + 5, name, class_="who"),
                text(x + _GAP, y + 21, told, class_="tick"),
                class_=relative.role or "beside",
            )
        )
    depth = max((relative.depth for relative in family), default=0)
    longest = max((max(len(name) * 1.15, len(told)) for name, told in rows), default=0)
    return drawing(_LEFT + _STEP * depth + _GAP + LETTER * longest + 8, _ROW * len(family), label, drawn)


def _name(relative: FamilyMember) -> str:
    return pluralize(relative.left_out, "other model") if relative.left_out else shorten(relative.name, _LONGEST)


def _told(relative: FamilyMember) -> str:
    if relative.row is None:
        return "not shown" if relative.left_out else relative.state
    return shorten(describe_model(relative.row), _LONGEST)
