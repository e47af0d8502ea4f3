"""`office31 compare outputs`: one composite network, one choice of pairs, or separate networks?"""

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from office31_cli.data.catalogue import DataLike
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
    data: DataLike | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> OutputsComparison:
    """Train every alternative on all domains with each seed, and score it on the held-out set.

    All alternatives have the same split, initial weights and number of epochs. A seed fixes split and weights
    (`options.seed` is not used). Raises `Misuse` for alternatives that do not exist and where nothing would be held
    out, before anything is loaded.
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
    return OutputsComparison(rows, photographs, held_out, requests[0][0].backbone, _judge_claims(rows))


def check_held_out(options: Options) -> None:
    """Raise `Misuse` where there would be no held-out set to compare on."""
    if options.held_out == 0:
        raise Misuse("--held-out 0", "a comparison needs a held-out set", "use a share above 0, such as 0.2")


def _judge_claims(rows: list[OutputsRow]) -> list[Claim]:
    """The composite beside separate networks; no claims where one of the two was not trained."""
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
            "and classifies items no worse, up to one standard deviation",
            f"{100 * joint.item:.1f} % against {100 * apart.item:.1f} %"
            + ("" if margin is None else f" with a deviation of {100 * margin:.1f}"),
            None if margin is None else joint.item >= apart.item - margin,
        ),
    ]


def train_alternatives(requests: list[list[Request]], observer: Observer) -> tuple[list[OutputsRow], int, int]:
    """Train each alternative with each seed; returns rows, and the numbers of training and held-out photographs."""
    from office31_cli.workflow.run import build_run

    total = sum(map(len, requests))
    unfinished, rows = PartialResults(observer, total), []
    with observer.track("comparing outputs", total) as advance:
        for alternative in requests:
            scores = []
            for request in alternative:
                run = build_run(request, observer)
                identity = {"compare": "outputs", **run.identity()}
                scores.append(unfinished.get_or_compute(identity, partial(_train_and_score, run, observer)))
                advance(1)
            rows.append(_build_row(format_outputs(alternative[0].outputs), scores))
    unfinished.clear()
    return rows, sum(map(len, run.partition.train)), sum(map(len, run.partition.held_out))


def _train_and_score(run: "Run", observer: Observer) -> dict[str, Any]:
    """Train one alternative with one seed, and score it on its held-out set."""
    began = time.monotonic()
    history = run.train(observer)
    seconds = time.monotonic() - began
    held_out = run.predict_held_out()
    return {
        "seed": run.settings.seed,
        "width": run.outputs.width,
        "parameters": sum(value.numel() for group in run.parameter_groups() for value in group.parameters),
        **score_columns(run.outputs, held_out.raw, held_out.actual),
        "seconds": round(seconds, 3),
        "loss": total_losses(history),
    }


def score_columns(outputs: Composite, raw: FloatArray, actual: Columns) -> dict[str, float | None]:
    """Accuracies of item, of domain, and of both at once; None for what the network does not answer."""
    answers = outputs.decode_array(raw)
    right: dict[str, BoolArray] = {
        name: answers[name].argmax(1) == actual[name] for name in ("item", "domain") if name in answers
    }
    if len(right) == 2:
        right["both"] = right["item"] & right["domain"]
    return {name: float(right[name].mean()) if name in right else None for name in ("item", "domain", "both")}


def _build_row(outputs: str, scores: list[dict[str, Any]]) -> OutputsRow:
    """An alternative's row from its scores with each seed."""
    figures: dict[str, float | None] = {}
    for name in ("item", "domain", "both"):
        figures[name], figures[f"{name}_std"] = mean_and_deviation([run[name] for run in scores])
    return OutputsRow(
        outputs=outputs,
        width=scores[0]["width"],
        parameters=scores[0]["parameters"],
        seconds=round(sum(run["seconds"] for run in scores) / len(scores), 3),
        loss=[sum(epoch) / len(scores) for epoch in zip(*(run["loss"] for run in scores), strict=True)],
        runs=[{name: run[name] for name in ("seed", "item", "domain", "both", "seconds")} for run in scores],
        **figures,
    )
