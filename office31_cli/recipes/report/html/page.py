"""A report as one HTML page that needs nothing but itself: no script, no font, no picture from elsewhere."""

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from office31_cli._version import __version__
from office31_cli.recipes.models.facts import list_details, list_facts
from office31_cli.recipes.report import palette
from office31_cli.recipes.report.html import tables, words
from office31_cli.recipes.report.html.confusion import draw_confusion
from office31_cli.recipes.report.html.curves import HUES, draw_curves
from office31_cli.recipes.report.html.embedding import draw_points
from office31_cli.recipes.report.html.interval import draw_intervals
from office31_cli.recipes.report.html.items import draw_bars
from office31_cli.recipes.report.html.lineage import draw_tree
from office31_cli.recipes.report.html.reliability import draw_reliability
from office31_cli.recipes.report.results import ReportContents
from office31_cli.text import pluralize, printable
from office31_cli.workflow.wording import describe_labels

_COLUMNS, _ROWS = 3, 8
"""The items' bars stand in so many columns, unless these had fewer rows."""


def render_page(report: ReportContents) -> str:
    """The whole page; the same report gives the same text."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_finalized, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "percent": words.format_percent,
        "confidence": words.format_confidence,
        "command": words.format_command,
        "counted": pluralize,
        "data_uri": _data_uri,
        "labels": describe_labels,
    }
    style = _style(report)
    return environment.from_string(_file("page.html")).render(
        report=report,
        this=report.this,
        other=report.other,
        views=[view for view in (report.other, report.this) if view],
        sections=_sections(report),
        words=words,
        tables=tables,
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        drawings=_drawings(report),
        facts=[*list_facts(report.this.entry), *list_details(report.this.entry)],
        version=__version__,
    )


def _finalized(value: Any) -> Any:
    """What steers a terminal could as well turn a line of a page around."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _style(report: ReportContents) -> str:
    """The style sheet with its colours, and for each item a rule that fades all others when it is picked."""
    hues = "".join(f".hue{place % HUES}{{color:var(--{name})}}" for place, name in enumerate(palette.SERIES))
    picked = "".join(
        f'.embedding:has(option[value="{item}"]:checked) :is(path,text):not(.i{item}){{opacity:.07}}'
        f'.embedding:has(option[value="{item}"]:checked) text.i{item}{{opacity:1}}'
        for item in range(len(report.items))
    )
    dark = f"@media (prefers-color-scheme:dark){{:root{{{_variables(palette.DARK)}}}}}"
    light = f"@media print{{:root{{{_variables(palette.LIGHT)}}}}}"
    return f":root{{{_variables(palette.LIGHT)}}}{dark}{light}\n{_file('style.css')}{hues}{picked}"


def _variables(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


def _sections(report: ReportContents) -> list[tuple[str, str]]:
    """What there is to jump to, by its place's name."""
    scored = report.this.scored is not None
    places = [
        ("score", True), ("lineage", True), ("training", report.curves.epochs > 0), ("items", scored),
        ("confusion", scored), ("embedding", report.embedding is not None), ("calibration", scored),
        ("photographs", True), ("repeat", True),
    ]  # fmt: skip
    return [(name, name.capitalize()) for name, there in places if there]


def _drawings(report: ReportContents) -> dict[str, Any]:
    """Every figure by its name, ready to be set into the page."""
    drawn: dict[str, Any] = {"tree": draw_tree(words.describe_family(report), report.family)}
    scores = [(report.other, "hue5"), (report.this, "hue0")]
    drawn["intervals"] = draw_intervals(
        words.describe_scores(report), [(view.scored, hue) for view, hue in scores if view is not None and view.scored]
    )
    drawn["curves"] = _curves(report)
    length = max(_ROWS, -(-len(report.per_item) // _COLUMNS))
    columns = (report.per_item[start : start + length] for start in range(0, len(report.per_item), length))
    drawn["bars"] = [draw_bars(words.describe_items(report), column) for column in columns]
    if report.confusion is not None:
        drawn["confusion"] = draw_confusion(words.describe_confusion(report), report.confusion, report.items)
    if report.embedding is not None:
        drawn["points"] = [
            draw_points(words.describe_points(panel), panel, report.items) for panel in report.embedding.panels
        ]
    drawn["bins"] = [draw_reliability(words.describe_reliability(row), row) for row in report.reliability]
    return drawn


def _curves(report: ReportContents) -> list[tuple[str, Markup]]:
    """The drawings with their titles: all losses on one scale, as they are summed."""
    noted = report.curves
    drawn = []
    plain = "{:.3g}".format
    if noted.losses:
        drawn.append(("Losses", draw_curves(words.describe_curves("losses", noted.losses), noted.losses, plain)))
    for name, values in noted.accuracies.items():
        told = words.describe_curves(f"accuracy on {name}", {name: values})
        shares = [100 * value for value in values]
        drawn.append((f"Accuracy on {name}", draw_curves(told, {"": shares}, "{:.4g} %".format, marked=noted.picked)))
    if noted.judge in noted.validators:
        values = noted.validators[noted.judge]
        told = words.describe_curves(f"validator {noted.judge}", {noted.judge: values})
        drawn.append(
            (f"Validator {noted.judge}", draw_curves(told, {"": values}, "{:.4g}".format, marked=noted.picked))
        )
    return drawn
