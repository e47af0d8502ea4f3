"""The computing half of `compare chapter`."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from office31_cli.engine.settings import Settings
from office31_cli.errors import Failed
from office31_cli.observer import Observer
from office31_cli.recipes.compare.chapter import BATCH, RATE, Experiment
from office31_cli.recipes.compare.results import ChapterRow
from office31_cli.recipes.compare.trials import on_the_textbooks, trial
from office31_cli.workflow.partial_results import Unfinished
from office31_cli.workflow.request import Request


def rows(request: Request, experiments: Sequence[Experiment], observer: Observer) -> tuple[list[ChapterRow], int, int]:
    """A row for each experiment; the photographs learnt from, and those held out."""
    unfinished, made = Unfinished(observer, len(experiments)), []
    with observer.track("the textbook's runs", len(experiments)) as advance:
        for experiment in experiments:
            bench = on_the_textbooks(experiment.hidden, request, observer)
            settings = Settings(
                epochs=experiment.epochs,
                batch_size=BATCH,
                optimizer=experiment.optimizer,
                lr=RATE,
                seed=request.options.seed,
                weight_decay=0.0,
                schedule="constant",
            )
            identity = {"compare": "chapter", **bench.identity, "trial": settings.to_json()}
            made.append(_row(experiment, unfinished.result(identity, partial(trial, bench, settings, observer))))
            advance(1)
    unfinished.clear()
    return made, len(bench.learnt), len(bench.held_out)


def _row(experiment: Experiment, found: dict[str, Any]) -> ChapterRow:
    if not found["loss"]:
        raise Failed("compare chapter", "a loss was no longer finite", "check the photographs in --data")
    kept = asdict(experiment)
    return ChapterRow(
        network="-".join(map(str, kept.pop("hidden"))),
        **kept,
        **{name: found[name] for name in ("item", "domain", "both", "loss", "parameters", "seconds")},
    )
