"""The computing half of `compare outputs`."""

import time
from functools import partial
from typing import Any

from office31_cli.data.photographs import BoolArray
from office31_cli.observer import Observer
from office31_cli.outputs.base import Columns, FloatArray
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import written
from office31_cli.recipes.compare.results import OutputsRow, average
from office31_cli.workflow.partial_results import Unfinished
from office31_cli.workflow.request import Request
from office31_cli.workflow.run import Run


def rows(requests: list[list[Request]], observer: Observer) -> tuple[list[OutputsRow], int, int]:
    """A row for each alternative, whose requests differ by seed; the photographs learnt from, and those held out."""
    total = sum(map(len, requests))
    unfinished, made = Unfinished(observer, total), []
    with observer.track("comparing outputs", total) as advance:
        for alternative in requests:
            found = []
            for request in alternative:
                run = Run.of(request, observer)
                identity = {"compare": "outputs", **run.identity()}
                found.append(unfinished.result(identity, partial(_figures, run, observer)))
                advance(1)
            made.append(_row(written(alternative[0].outputs), found))
    unfinished.clear()
    return made, sum(map(len, run.parts.learnt)), sum(map(len, run.parts.held_out))


def _figures(run: Run, observer: Observer) -> dict[str, Any]:
    """What one training makes of it."""
    began = time.monotonic()
    history = run.trained(observer)
    seconds = time.monotonic() - began
    return {
        "seed": run.settings.seed,
        "width": run.outputs.width,
        "parameters": sum(value.numel() for group in run.groups() for value in group.parameters),
        **rightness(run.outputs, *run.held_out()),
        "seconds": round(seconds, 3),
        "loss": [sum(losses.values()) for losses in history],
    }


def rightness(outputs: Composite, raw: FloatArray, actual: Columns) -> dict[str, float | None]:
    """The share of photographs whose item, whose domain, and whose both are named rightly; None if not asked for."""
    answers = outputs.answers(raw)
    right: dict[str, BoolArray] = {
        name: answers[name].argmax(1) == actual[name] for name in ("item", "domain") if name in answers
    }
    if len(right) == 2:
        right["both"] = right["item"] & right["domain"]
    return {name: float(right[name].mean()) if name in right else None for name in ("item", "domain", "both")}


def _row(outputs: str, found: list[dict[str, Any]]) -> OutputsRow:
    figures: dict[str, float | None] = {}
    for name in ("item", "domain", "both"):
        figures[name], figures[f"{name}_std"] = average([run[name] for run in found])
    return OutputsRow(
        outputs=outputs,
        width=found[0]["width"],
        parameters=found[0]["parameters"],
        seconds=round(sum(run["seconds"] for run in found) / len(found), 3),
        loss=[sum(epoch) / len(found) for epoch in zip(*(run["loss"] for run in found), strict=True)],
        runs=[{name: run[name] for name in ("seed", "item", "domain", "both", "seconds")} for run in found],
        **figures,
    )
