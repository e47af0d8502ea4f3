"""`office31 compare optimizers`: is Adam worth its memory, and does momentum pass a shallow minimum?"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from office31_cli.data.catalogue import DataLike
from office31_cli.engine.settings import LEARNING_RATES, Settings, check_optimizer
from office31_cli.errors import Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.compare.outputs import check_held_out
from office31_cli.recipes.compare.results import Claim, Landscape, OptimizerRow, OptimizersComparison, exceeds
from office31_cli.text import printable
from office31_cli.workflow import selection
from office31_cli.workflow.partial_results import PartialResults
from office31_cli.workflow.request import DEFAULTS, Options, Request, build_request

if TYPE_CHECKING:
    from office31_cli.recipes.compare.trials import TrialSetup


RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
EPOCHS = 3

DRAWN, RATE_DRAWN = ("sgd", "momentum", "adam"), 0.05
"""The optimizers that descend the landscape, and their learning rate there."""

NEAR = 0.05
"""Accuracies that differ by less count as equal when the learning rate's influence is judged."""


def compare_optimizers(
    optimizers: Sequence[str] | None = None,
    *,
    rates: Sequence[float] | None = None,
    data: DataLike | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> OptimizersComparison:
    """Train two networks with every optimizer at every constant learning rate: a head on features, and one from pixels.

    The defaults are all optimizers, `RATES`, and `EPOCHS` epochs. Both networks answer item and domain, on all domains.
    Raises `Misuse` for names and numbers that make no sense, before anything is loaded.
    """
    check_held_out(options)
    optimizers, rates = optimizers or tuple(LEARNING_RATES), rates or RATES
    _check(optimizers, rates)
    options = options.without_resume(outputs="item+domain", epochs=options.epochs or EPOCHS)
    requests = [
        build_request(
            "compare", ["all"], data=data, backbone=name, weights=start, options=replace(options, train=train)
        )
        for name, start, train in ((backbone, weights, "head"), ("convnet", "none", "all"))
    ]
    selection.report_data(data, requests[0].data, observer)
    rows = train_grid(requests, optimizers, rates, observer)
    return OptimizersComparison(rows, options.epochs or EPOCHS, judge_claims(rows))


def compare_landscape(optimizers: Sequence[str] | None = None, rates: Sequence[float] | None = None) -> Landscape:
    """Let optimizers, by default `DRAWN`, descend a curve with a shallow and a deep minimum; nothing is trained."""
    optimizers, rates = optimizers or DRAWN, rates or (RATE_DRAWN,)
    _check(optimizers, rates)
    from office31_cli.recipes.compare import landscape  # torch, 2 s: only now that all that was typed makes sense

    rows = [landscape.descend(optimizer, rate) for rate in rates for optimizer in optimizers]
    ends = {row.optimizer: row.minimum for row in rows}
    claims = []
    if {"sgd", "momentum"} <= ends.keys() and len(rates) == 1:
        claims = [
            Claim.judge(
                "Momentum carries a step over a shallow minimum, where plain SGD stays",
                f"sgd ends in the {ends['sgd']} minimum, momentum in the {ends['momentum']} one",
                (ends["sgd"], ends["momentum"]) == ("shallow", "deep"),
            )
        ]
    return Landscape(rows, landscape.sample_curve(), claims)


def parse_rates(text: str | None) -> tuple[float, ...] | None:
    """`1e-4,1e-3` as numbers, each once; None stays None. Raises `Misuse` for anything else."""
    if text is None:
        return None
    try:
        return tuple(dict.fromkeys(float(word) for word in text.split(",")))
    except ValueError:
        raise Misuse(f"--lrs {printable(text)}", "not a list of numbers", "write --lrs 1e-4,1e-3") from None


def _check(optimizers: Sequence[str], rates: Sequence[float]) -> None:
    for optimizer in optimizers:
        for rate in rates:
            check_optimizer(optimizer, rate)


def judge_claims(rows: list[OptimizerRow]) -> list[Claim]:
    """The chapter's claims about Adam and SGD beside what was measured; none where one of the two was not trained."""
    adam = [row for row in rows if row.optimizer == "adam"]
    sgd = [row for row in rows if row.optimizer == "sgd"]
    if not adam or not sgd:
        return []
    return [_memory(adam[0]), _arithmetic(adam, sgd), *_by_network(adam, sgd)]


def _memory(adam: OptimizerRow) -> Claim:
    return Claim.judge(
        "Adam needs three times the parameters' memory",
        f"{adam.memory_ratio:.2f} times: {adam.state_bytes_per_parameter:.2f} bytes of state a parameter",
        abs(adam.memory_ratio - 3) < 0.01,
    )


def _arithmetic(adam: list[OptimizerRow], sgd: list[OptimizerRow]) -> Claim:
    """By the optimizer's own part of a step: forward and backward are the same, and their noise would hide it."""
    times = {network: (_fastest(_of(adam, network)), _fastest(_of(sgd, network))) for network in _networks(adam)}
    measured = ", ".join(f"{ours:.2f} ms against {plain:.2f} on {network}" for network, (ours, plain) in times.items())
    claim = "Adam does more arithmetic: its own part of a step takes longer than SGD's"
    return Claim.judge(claim, measured, all(ours > plain for ours, plain in times.values()))


def _by_network(adam: list[OptimizerRow], sgd: list[OptimizerRow]) -> Iterable[Claim]:
    for network in _networks(adam):
        ours, plain = _of(adam, network), _of(sgd, network)
        good, best = (_good(ours), _good(plain)), (_best(ours), _best(plain))
        yield Claim.judge(
            f"Adam is less sensitive to the learning rate ({network})",
            f"within {100 * NEAR:.0f} points of its best at {good[0]} of {len(ours)} rates, SGD at {good[1]}",
            None if good[0] == good[1] or None in best else good[0] > good[1],
        )
        yield Claim.judge(
            f"but not free of it ({network})",
            f"accuracy by rate: {', '.join(_percent(row.item) for row in ours)}",
            None if best[0] is None else good[0] < len(ours),
        )
        yield Claim.judge(
            f"Adam gets further than SGD, each at its best rate ({network})",
            f"{_percent(best[0])} against {_percent(best[1])} of the items",
            None if best[0] is None or best[1] is None else exceeds(best[0], best[1]),
        )


def _networks(rows: list[OptimizerRow]) -> list[str]:
    return list(dict.fromkeys(row.network for row in rows))


def _of(rows: list[OptimizerRow], network: str) -> list[OptimizerRow]:
    return [row for row in rows if row.network == network]


def _fastest(rows: list[OptimizerRow]) -> float:
    """The optimizer's milliseconds in the run that was least disturbed."""
    return min(row.milliseconds_in_optimizer for row in rows)


def _best(rows: list[OptimizerRow]) -> float | None:
    """The best accuracy at any rate; None where all runs diverged."""
    return max(_finite(rows), default=None)


def _good(rows: list[OptimizerRow]) -> int:
    """At how many rates the accuracy is near the best one; a run that diverged never is."""
    finite = _finite(rows)
    return sum(item > max(finite) - NEAR for item in finite)


def _finite(rows: list[OptimizerRow]) -> list[float]:
    return [row.item for row in rows if row.item is not None]


def _percent(share: float | None) -> str:
    return "diverged" if share is None else f"{100 * share:.1f} %"


def train_grid(
    requests: Sequence[Request], optimizers: Sequence[str], rates: Sequence[float], observer: Observer
) -> list[OptimizerRow]:
    """Train every network with every optimizer and learning rate; returns a row for each."""
    from office31_cli.recipes.compare.trials import build_requested_setup, run_trial

    total = len(requests) * len(optimizers) * len(rates)
    unfinished, rows = PartialResults(observer, total), []
    with observer.track("comparing optimizers", total) as advance:
        for request in requests:
            setup = build_requested_setup(request, observer)
            for optimizer in optimizers:
                for rate in rates:
                    settings = _settings(request, optimizer, rate)
                    identity = {"compare": "optimizers", **setup.identity, "trial": settings.to_json()}
                    scores = unfinished.get_or_compute(identity, partial(run_trial, setup, settings, observer))
                    rows.append(_build_row(setup, settings, scores))
                    advance(1)
    unfinished.clear()
    return rows


def _settings(request: Request, optimizer: str, rate: float) -> Settings:
    options = request.options
    return Settings(
        epochs=options.epochs or 1,
        batch_size=options.batch_size,
        optimizer=optimizer,
        lr=rate,
        seed=options.seed,
        schedule="constant",
    )


def _build_row(setup: "TrialSetup", settings: Settings, scores: dict[str, Any]) -> OptimizerRow:
    per_parameter = scores["state_bytes"] / scores["parameters"]
    return OptimizerRow(
        network=setup.name,
        optimizer=settings.optimizer,
        lr=settings.lr,
        loss=scores["loss"][-1] if scores["loss"] else None,
        item=scores["item"],
        milliseconds_per_step=round(1000 * scores["seconds"] / scores["steps"], 3),
        milliseconds_in_optimizer=round(1000 * scores["seconds_optimizing"] / scores["steps"], 3),
        # The step counters, four bytes for each tensor, vanish in the second decimal.
        state_bytes_per_parameter=round(per_parameter, 2),
        memory_ratio=round((scores["parameter_bytes"] + scores["state_bytes"]) / scores["parameter_bytes"], 2),
    )
