"""How an evaluation looks: a summary that fits a screen, and the tables that it sums up."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from office31_cli.render.calibration import build_reliability_table, describe_confidence
from office31_cli.render.console import build_cell, build_facts, build_table
from office31_cli.render.heatmap import RIGHT, HeatMap
from office31_cli.render.outputs import build_outputs_table
from office31_cli.results import Evaluation
from office31_cli.text import format_interval, format_percent, pluralize, printable
from office31_cli.workflow.wording import describe_labels

WORST, CONFUSED = 5, 3
"""Items and pairs of items that the summary names."""

_BAR = 24
"""Columns of a bar for 100 %."""


def render_evaluation(result: Evaluation, *, details: bool = False, charts: bool = False) -> Iterable[RenderableType]:
    """The scores, then the worst items and the commonest confusions; with `details` all of them, and reliability.

    `charts` adds bars, and makes a map of the confusion matrix.
    """
    yield _build_scores(result)
    if len(result.outputs) > 1:
        yield build_outputs_table(result.outputs)
    yield _build_items_table(result, None if details else WORST, charts=charts)
    if result.confused:
        yield _build_confused_table(result, None if details else CONFUSED)
    if result.confusion:
        yield _build_confusion_matrix(**result.confusion, charts=charts)
    if details:
        yield build_reliability_table(result.calibration)
    else:
        yield Text("all items, and accuracy by confidence: --details", style="dim")


def _build_scores(result: Evaluation) -> Table:
    rows = [
        ("accuracy", f"{format_percent(result.accuracy)}  (95 % interval {format_interval(result.ci95)})"),
        ("macro accuracy", format_percent(result.macro_accuracy)),
        *describe_confidence(result),
        ("labels seen", describe_labels(result.labels_used)),
    ]
    rows += [("labels from", printable(result.labels_from))] if result.labels_from else []
    rows += [("items", text)] if (text := _describe_items(result)) else []
    rows += _describe_unknown(result.unknown) if result.unknown else []
    rows += [("not labelled", f"{pluralize(result.unlabelled, 'more photograph')}")] if result.unlabelled else []
    if result.seen:
        rows.append(("not honest", f"the model was trained on {result.seen:,} of these photographs"))
    return build_facts(f"{result.model} on {result.split}, {pluralize(result.photographs, 'photograph')}", rows)


def _describe_items(result: Evaluation) -> str:
    """How the items of the photographs differ from the model's; empty where they do not."""
    parts = []
    if result.setting in ("partial", "universal"):
        parts.append(f"{len(result.shared_items):,} of the model's are there")
    if result.unknown:
        parts.append(f"{pluralize(result.unknown['photographs'], 'photograph')} of others, counted apart")
    return "; ".join(parts)


def _describe_unknown(unknown: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What calling some photographs unknown does to those of unknown and of shared items."""
    yield "unknown items", f"{format_percent(unknown['recall'])} of their photographs are called unknown (UNK)"
    yield "shared items", f"{format_percent(unknown['os_star'])} correct and not called unknown, by item (OS*)"
    yield (
        "HOS",
        f"{format_percent(unknown['hos'])}, the harmonic mean of both; area under the ROC {unknown['auroc']:.3f}",
    )


def _build_items_table(result: Evaluation, most: int | None, *, charts: bool) -> Table:
    rows = sorted(result.per_item.items(), key=lambda pair: (pair[1]["accuracy"], pair[0]))
    shown = rows[:most]
    title = "by item, worst first" if len(shown) == len(rows) else f"the worst {len(shown)} of {len(rows)} items"
    table = build_table(title, "item", ">photographs", ">accuracy", *([""] if charts else []))
    for item, row in shown:
        bar = [Bar(1, 0, row["accuracy"], width=_BAR, color=RIGHT)] if charts else []
        table.add_row(build_cell(item), f"{row['photographs']:,}", format_percent(row["accuracy"]), *bar)
    return table


def _build_confused_table(result: Evaluation, most: int | None) -> Table:
    table = build_table("most often confused", "item", "predicted", ">photographs", ">of the item")
    for pair in result.confused[:most]:
        names = (build_cell(pair["actual"]), build_cell(pair["predicted"]))
        table.add_row(*names, f"{pair['photographs']:,}", format_percent(pair["share"]))
    return table


def _build_confusion_matrix(items: list[str], counts: list[list[int]], *, charts: bool) -> RenderableType:
    """Photographs by actual item, a row each, and by predicted item."""
    title = "confusion matrix: a row is an item, a column a prediction"
    if charts:
        return Group(Text(title, "bold"), HeatMap(counts, items))
    table = build_table(title, "item", *(f">{printable(item)}" for item in items))
    for item, row in zip(items, counts, strict=True):
        table.add_row(build_cell(item), *map(str, row))
    return table
