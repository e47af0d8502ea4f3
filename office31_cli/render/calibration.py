"""How far confidence can be trusted, as it looks in tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from office31_cli.render.console import build_table
from office31_cli.results import Evaluation
from office31_cli.text import format_interval, format_percent
from office31_cli.workflow.wording import describe_temperature

_WIDTH = 20
"""Characters of a bar that stands for all photographs."""


def describe_confidence(result: Evaluation) -> Iterable[tuple[str, str]]:
    """Calibration error and prediction sets of the scored photographs: lines, each with a heading or none."""
    calibration, conformal = result.calibration, result.conformal
    yield "calibration error", format_percent(calibration["ece_before"])
    if calibration["temperature"] is not None:
        yield "", f"{format_percent(calibration['ece_after'])} at {describe_temperature(calibration)}"
    if conformal["measured"] is None:
        yield "prediction sets", "none, as no calibration is stored with this model"
        return
    target = f"target coverage {100 * conformal['coverage']:g} %"
    yield "prediction sets", f"{format_percent(conformal['measured'])} contain the item, {target}"
    yield "", f"95 % interval {format_interval(conformal['ci95'])}, {conformal['mean_size']:.2f} items each"
    if calibration["labels_used"]:
        yield "", f"guaranteed for photographs like {calibration['fitted_on']}"
    else:
        yield "", "no guarantee without labels"
    if calibration["own"]:
        yield "", f"fitted on {calibration['own']:,} of these, each scored by a fit without it"


def build_reliability_table(calibration: Mapping[str, Any]) -> Table:
    """Photographs and accuracy by confidence, without and with temperature scaling; bars of the last columns."""
    before, after = calibration["reliability"], calibration["reliability_after"]
    stages = [before] if after is None else [before, after]
    table = build_table(
        "accuracy by confidence" + ("" if after is None else ", without and with temperature scaling"),
        ">confidence",
        *[">photographs", ">accuracy"] * len(stages),
        "",
        caption="█ accuracy, │ mean confidence: the same where the confidence is calibrated",
    )
    by_place = [{row["low"]: row for row in stage} for stage in stages]
    for low, high in sorted({(row["low"], row["high"]) for stage in stages for row in stage}):
        rows = [stage.get(low) for stage in by_place]
        cells = [text for row in rows for text in _format_bin(row)]
        table.add_row(f"{100 * low:.0f} to {100 * high:.0f} %", *cells, _draw_bar(rows[-1]))
    return table


def _format_bin(row: Mapping[str, Any] | None) -> tuple[str, str]:
    return ("", "") if row is None else (f"{row['photographs']:,}", format_percent(row["accuracy"]))


def _draw_bar(row: Mapping[str, Any] | None) -> str:
    """As long as the accuracy, with a mark at the confidence."""
    if row is None:
        return ""
    filled, mark = (round(float(row[name]) * _WIDTH) for name in ("accuracy", "confidence"))
    bar = ("█" * filled).ljust(_WIDTH + 1)
    return bar[:mark] + "│" + bar[mark + 1 :]
