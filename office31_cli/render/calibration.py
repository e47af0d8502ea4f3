"""How far confidence can be trusted, as it looks in tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from office31_cli.render.console import build_table
from office31_cli.results import Evaluation
from office31_cli.text import format_interval, format_percent, pluralize
from office31_cli.workflow.wording import describe_temperature

_WIDTH = 20
"""Characters of a bar that stands for all photographs."""


def describe_confidence(result: Evaluation) -> Iterable[tuple[str, str]]:
    """What the confidence of scored photographs is worth: lines with what they are about, once."""
    calibration, conformal = result.calibration, result.conformal
    yield "calibration error", format_percent(calibration["ece_before"])
    if calibration["temperature"] is not None:
        yield "", f"{format_percent(calibration['ece_after'])} at {describe_temperature(calibration)}"
    sets = f"sets for {100 * conformal['coverage']:g} %"
    if conformal["measured"] is None:
        yield sets, "none: no calibration is stored beside this model"
        return
    interval = format_interval(conformal["ci95"])
    yield sets, f"{format_percent(conformal['measured'])} hold the item  (95 % interval {interval})"
    promised = f"promised for photographs like {calibration['fitted_on']}"
    if not calibration["labels_used"]:
        promised = "without labels nothing is promised"
    yield "", f"{conformal['mean_size']:.2f} items each; {promised}"
    if calibration["own"]:
        own = pluralize(calibration["own"], "photograph")
        yield "", f"fitted on {own} of these: each fifth is judged by what the rest make of it"


def build_reliability_table(calibration: Mapping[str, Any]) -> Table:
    """By confidence, how many photographs there are and how many are named rightly; bars of the last columns."""
    before, after = calibration["reliability"], calibration["reliability_after"]
    stages = [before] if after is None else [before, after]
    made = build_table(
        "named rightly, by confidence" + ("" if after is None else ": without and with the temperature"),
        ">confidence",
        *[">photographs", ">accuracy"] * len(stages),
        "",
        caption="█ accuracy, │ confidence: they end together where it can be taken at its word",
    )
    by_place = [{row["low"]: row for row in stage} for stage in stages]
    for low, high in sorted({(row["low"], row["high"]) for stage in stages for row in stage}):
        rows = [stage.get(low) for stage in by_place]
        cells = [text for row in rows for text in _format_bin(row)]
        made.add_row(f"{100 * low:.0f} to {100 * high:.0f} %", *cells, _draw_bar(rows[-1]))
    return made


def _format_bin(row: Mapping[str, Any] | None) -> tuple[str, str]:
    return ("", "") if row is None else (f"{row['photographs']:,}", format_percent(row["accuracy"]))


def _draw_bar(row: Mapping[str, Any] | None) -> str:
    """As long as the accuracy, with a mark at the confidence."""
    if row is None:
        return ""
    filled, mark = (round(float(row[name]) * _WIDTH) for name in ("accuracy", "confidence"))
    drawn = ("█" * filled).ljust(_WIDTH + 1)
    return drawn[:mark] + "│" + drawn[mark + 1 :]
