"""`office31 compare outputs`: one composite network, one choice of pairs, or separate networks?"""

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from office31_cli.data.photographs import BoolArray
from office31_cli.errors import Misuse
from office31_cli.history import total_losses
from office31_cli.metrics.summary import mean_and_deviation
from office31_cli.observer import SILENT, Observer
from office31_cli.outputs.base import Columns, FloatArray
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import format_outputs
from office31_cli.recipes.compare.results import Claim, OutputsComparison, OutputsRow
from office31_cli.workflow import selection
from office31_cli.workflow.partial_results import PartialResults
from office31_cli.workflow.request import DEFAULTS, Options, Request, build_request

if TYPE_CHECKING:
    from office31_cli.workflow.run import Run


ALTERNATIVES = ("item+domain", "pair", "separate")


def compare_outputs(
    alternatives: Sequence[str] = ALTERNATIVES,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    data: str | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> OutputsComparison:
    """Train every alternative on all domains with each seed, with the same split, start and budget, and score it.

    A seed fixes all three (`options.seed` is not used). Raises `Misuse` for alternatives that do not exist and where
    nothing would be held out, before anything is loaded.
    """
    check_held_out(options)
    if not alternatives or not seeds:
        raise Misuse("compare outputs", "nothing to compare", "name at least one of --outputs and of --seeds")
    requests = [
        [
            build_request(
                "compare",
                ["all"],
                data=data,
                backbone=backbone,
                weights=weights,
                options=options.without_resume(outputs=alternative, seed=seed),
            )
            for seed in seeds
        ]
        for alternative in alternatives
    ]
    selection.report_data(data, requests[0][0].data, observer)
    rows, photographs, held_out = train_alternatives(requests, observer)
    return OutputsComparison(rows, photographs, held_out, requests[0][0].backbone, _claims(rows))


def check_held_out(options: Options) -> None:
    """Raise `Misuse` where nothing would be left to compare on."""
    if options.held_out == 0:
        raise Misuse("--held-out 0", "a comparison is made on what is held out", "use a share above 0, such as 0.2")


def _claims(rows: list[OutputsRow]) -> list[Claim]:
    """What the composite is worth beside separate networks, where both were trained."""
    by_name = {row.outputs: row for row in rows}
    joint, apart = by_name.get("item+domain"), by_name.get("separate")
    if joint is None or apart is None or joint.item is None or apart.item is None:
        return []
    margin = apart.item_std
    return [
        Claim.judge(
            "A composite shares its hidden layers: it needs about half the parameters of separate networks",
            f"{joint.parameters:,} against {apart.parameters:,}: {joint.parameters / apart.parameters:.2f} times",
            0.4 <= joint.parameters / apart.parameters <= 0.6,
        ),
        Claim.judge(
            "and names items no worse, up to one standard deviation",
            f"{100 * joint.item:.1f} % against {100 * apart.item:.1f} %"
            + ("" if margin is None else f" with a deviation of {100 * margin:.1f}"),
            None if margin is None else joint.item >= apart.item - margin,
        ),
    ]


def train_alternatives(requests: list[list[Request]], observer: Observer) -> tuple[list[OutputsRow], int, int]:
    """A row for each alternative, whose requests differ by seed; the photographs learnt from, and those held out."""
    from office31_cli.workflow.run import build_run

    total = sum(map(len, requests))
    unfinished, made = PartialResults(observer, total), []
    with observer.track("comparing outputs", total) as advance:
        for alternative in requests:
            found = []
            for request in alternative:
                run = build_run(request, observer)
                identity = {"compare": "outputs", **run.identity()}
                found.append(unfinished.get_or_compute(identity, partial(_figures, run, observer)))
                advance(1)
            made.append(_build_row(format_outputs(alternative[0].outputs), found))
    unfinished.clear()
    return made, sum(map(len, run.partition.train)), sum(map(len, run.partition.held_out))


def _figures(run: "Run", observer: Observer) -> dict[str, Any]:
    """What one training makes of it."""
    began = time.monotonic()
    history = run.train(observer)
    seconds = time.monotonic() - began
    return {
        "seed": run.settings.seed,
        "width": run.outputs.width,
        "parameters": sum(value.numel() for group in run.parameter_groups() for value in group.parameters),
        **score_columns(run.outputs, *run.predict_held_out()),
        "seconds": round(seconds, 3),
        "loss": total_losses(history),
    }


def score_columns(outputs: Composite, raw: FloatArray, actual: Columns) -> dict[str, float | None]:
    """The share of photographs whose item, whose domain, and whose both are named rightly; None if not asked for."""
    answers = outputs.decode_array(raw)
    right: dict[str, BoolArray] = {
        name: answers[name].argmax(1) == actual[name] for name in ("item", "domain") if name in answers
    }
    if len(right) == 2:
        right["both"] = right["item"] & right["domain"]
    return {name: float(right[name].mean()) if name in right else None for name in ("item", "domain", "both")}


def _build_row(outputs: str, found: list[dict[str, Any]]) -> OutputsRow:
    figures: dict[str, float | None] = {}
    for name in ("item", "domain", "both"):
        figures[name], figures[f"{name}_std"] = mean_and_deviation([run[name] for run in found])
    return OutputsRow(
        outputs=outputs,
        width=found[0]["width"],
        parameters=found[0]["parameters"],
        seconds=round(sum(run["seconds"] for run in found) / len(found), 3),
        loss=[sum(epoch) / len(found) for epoch in zip(*(run["loss"] for run in found), strict=True)],
        runs=[{name: run[name] for name in ("seed", "item", "domain", "both", "seconds")} for run in found],
        **figures,
    )
