"""The computing half of `compare optimizers`."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from office31_cli.engine.settings import Settings
from office31_cli.observer import Observer
from office31_cli.recipes.compare.results import OptimizerRow
from office31_cli.recipes.compare.trials import Bench, as_requested, trial
from office31_cli.workflow.partial_results import Unfinished
from office31_cli.workflow.request import Request


def rows(
    requests: Sequence[Request], optimizers: Sequence[str], rates: Sequence[float], observer: Observer
) -> list[OptimizerRow]:
    """A row for each requested network, optimizer and learning rate."""
    total = len(requests) * len(optimizers) * len(rates)
    unfinished, made = Unfinished(observer, total), []
    with observer.track("comparing optimizers", total) as advance:
        for request in requests:
            bench = as_requested(request, observer)
            for optimizer in optimizers:
                for rate in rates:
                    settings = _settings(request, optimizer, rate)
                    identity = {"compare": "optimizers", **bench.identity, "trial": settings.to_json()}
                    found = unfinished.result(identity, partial(trial, bench, settings, observer))
                    made.append(_row(bench, settings, found))
                    advance(1)
    unfinished.clear()
    return made


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


def _row(bench: Bench, settings: Settings, found: dict[str, Any]) -> OptimizerRow:
    per_parameter = found["state_bytes"] / found["parameters"]
    return OptimizerRow(
        network=bench.name,
        optimizer=settings.optimizer,
        lr=settings.lr,
        loss=found["loss"][-1] if found["loss"] else None,
        item=found["item"],
        milliseconds_per_step=round(1000 * found["seconds"] / found["steps"], 3),
        milliseconds_in_optimizer=round(1000 * found["seconds_optimizing"] / found["steps"], 3),
        # The step counters, four bytes for each tensor, vanish in the second decimal.
        state_bytes_per_parameter=round(per_parameter, 2),
        memory_ratio=round((found["parameter_bytes"] + found["state_bytes"]) / found["parameter_bytes"], 2),
    )
