"""Confidence against accuracy."""

from markupsafe import Markup

from office31_cli.recipes.report.html.axes import Scale, frame
from office31_cli.recipes.report.html.svg import drawing, element, hover, line
from office31_cli.recipes.report.results import Reliability
from office31_cli.text import format_percent, pluralize

WIDTH, HEIGHT = 264, 270
_LEFT, _TOP, _RIGHT, _BOTTOM = 50, 10, 10, 38


def draw_reliability(label: str, row: Reliability) -> Markup:
    """A bar for each bin as high as its accuracy, the fainter the fewer photographs, and the gap to its confidence."""
    across = Scale(0, 1, _LEFT, WIDTH - _RIGHT)
    up = Scale(0, 1, HEIGHT - _BOTTOM, _TOP)
    shares = {tick / 4: f"{25 * tick} %" for tick in range(5)}
    drawn = frame(
        across, up, shares, {tick: told for tick, told in shares.items() if tick in (0, 0.5, 1)}, "confidence"
    )
    most = max((each.photographs for each in row.bins), default=1)
    for each in row.bins:
        left, width = across(each.low) + 1, across(each.high) - across(each.low) - 2
        top, bottom = sorted((up(each.accuracy), up(each.confidence)))
        gap = "over" if each.confidence > each.accuracy else "under"
        count = pluralize(each.photographs, "photograph")
        told = f"{count}: confidence {format_percent(each.confidence)}, right {format_percent(each.accuracy)}"
        weight = f"{0.35 + 0.65 * (each.photographs / most) ** 0.5:.2f}"
        drawn += [
            element(
                "rect",
                x=left,
                y=up(each.accuracy),
                width=width,
                height=up(0) - up(each.accuracy),
                class_="bar",
                fill_opacity=weight,
            ),
            element("rect", x=left, y=top, width=width, height=bottom - top, class_=gap),
            element("rect", hover(told), x=left, y=up(1), width=width, height=up(0) - up(1), class_="row"),
        ]
    drawn.append(line(across(0), up(0), across(1), up(1), "ideal"))
    return drawing(WIDTH, HEIGHT, label, drawn)
