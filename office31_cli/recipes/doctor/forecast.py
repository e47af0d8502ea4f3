"""What adapting is expected to bring, and how long it takes here."""

import time
from dataclasses import replace

import numpy as np
from torch import nn

from office31_cli import methods
from office31_cli.engine.batches import Pair
from office31_cli.engine.device import threads_for
from office31_cli.metrics.foretold import Signs, foretold
from office31_cli.metrics.label_shift import total_variation
from office31_cli.observer import SILENT
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.adapt import DEFAULT_METHOD, EPOCHS, STEPS, VIEWS
from office31_cli.recipes.benchmark.estimate import extrapolated, photographs_per_second
from office31_cli.recipes.doctor.heads import head
from office31_cli.recipes.doctor.probe import Case
from office31_cli.recipes.doctor.results import Forecast
from office31_cli.workflow.adapt_training import learner_of, learning_together, nothing
from office31_cli.workflow.run import settings_for
from office31_cli.workflow.teaching import agreed


def forecast(case: Case, target: str, source_accuracy: float, heads: FloatArray) -> Forecast:
    """From what adapted heads (heads, n, K) make of the target, and the network from the source alone."""
    shares = np.bincount(case.items(), minlength=len(case.data.items)) / len(case.items())
    signs = signs_of(shares, source_accuracy, case.answers(case.target(target)), heads)
    views = VIEWS * sum(len(case.domains[name].photographs) for name in (*case.request.domains, target))
    return Forecast(
        method=DEFAULT_METHOD,
        foretold=foretold(signs),
        signs=signs,
        seconds=round(_seconds(case, target), 1),
        features=views,
        photographs_per_second=round(photographs_per_second(case.network, case.preprocessing.crop, case.device), 1),
    )


def signs_of(shares: FloatArray, source_accuracy: float, before: FloatArray, heads: FloatArray) -> Signs:
    """What differs between a network (n, K) and adapted heads (heads, n, K); `shares` (K,) are the source's items'."""
    together = heads.mean(0)
    named, renamed = before.argmax(1), together.argmax(1)
    otherwise = named != renamed
    before_shares, after_shares = (np.bincount(names, minlength=len(shares)) / len(names) for names in (named, renamed))
    return Signs(
        source_accuracy=source_accuracy,
        changed=float((heads.argmax(2) != named).mean()),
        confidence=float(together[otherwise].max(1).mean()) if otherwise.any() else 1.0,
        shares_before=total_variation(before_shares, shares),
        shares_after=total_variation(after_shares, shares),
    )


def _seconds(case: Case, target: str) -> float:
    """Of adapting by the default method on features, from a few steps of it."""
    method, settings = methods.load(DEFAULT_METHOD)(), replace(settings_for(case.request, "head"), epochs=1)
    pair = Pair(case.source(), case.target(target), nothing(), 0)

    def timed(steps: int) -> float:
        learner = learner_of(nn.Identity(), head(case, 0, case.inputs), method, 0)
        began = time.perf_counter()
        adaptation, training = learning_together([learner], [pair], method, case.inputs, settings, steps, case.device)
        adaptation.hold(agreed(method, [learner], [pair], case.inputs, settings, steps, case.device, SILENT))
        training.run(SILENT)
        return time.perf_counter() - began

    with threads_for("features"):
        timed(1)  # the first time, memory is asked for
        return extrapolated(timed, EPOCHS, STEPS)
