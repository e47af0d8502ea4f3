"""What adapting is expected to bring, and how long it takes here."""

import time
from dataclasses import replace

import numpy as np
from torch import nn

from office31_cli import methods
from office31_cli.data.photographs import IntArray, Photographs
from office31_cli.data.splits import assign_folds
from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.device import limit_threads
from office31_cli.engine.random_numbers import keyed_generator
from office31_cli.metrics.domains import proxy_a_distance, squared_mmd
from office31_cli.metrics.forecast import ForecastInputs, forecast_gain
from office31_cli.metrics.label_shift import target_prior, total_variation
from office31_cli.observer import SILENT
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.doctor.probe import Probe, build_head
from office31_cli.recipes.doctor.results import FOLDS, Distance, Forecast, ItemSetForecast, LabelShift
from office31_cli.workflow.adapt_training import AdaptationSetup, build_adaptation_network, no_examples
from office31_cli.workflow.request import ADAPT_EPOCHS, ADAPT_STEPS, ADAPT_VIEWS, DEFAULT_METHOD
from office31_cli.workflow.run import build_settings
from office31_cli.workflow.target_estimate import TargetEstimate
from office31_cli.workflow.timing import extrapolate_seconds, measure_photographs_per_second


def build_forecast(
    probe: Probe, target: str, source_accuracy: float, heads: FloatArray, estimate: TargetEstimate
) -> Forecast:
    """The forecast, from the probabilities of adapted heads (heads, n, K) and those of the unadapted network.

    Shares of items are compared with the source's or, where the target seems to lack some, with those `estimate`d.
    Photographs that seem to show none of the items take no part.
    """
    shares = np.bincount(probe.items(), minlength=len(probe.data.items)) / len(probe.items())
    before = probe.predict(probe.target(target))
    if estimate.prior is not None:
        shares = estimate.prior / estimate.prior.sum()
    if estimate.known is not None and (known := estimate.known >= 0.5).any():
        before, heads = before[known], heads[:, known]
    signs = measure_forecast_inputs(shares, source_accuracy, before, heads)
    views = ADAPT_VIEWS * sum(len(probe.domains[name].photographs) for name in (*probe.request.domains, target))
    return Forecast(
        method=DEFAULT_METHOD,
        estimate=forecast_gain(signs),
        signs=signs,
        seconds=round(_seconds(probe, target), 1),
        features=views,
        photographs_per_second=round(
            measure_photographs_per_second(probe.network, probe.preprocessing.crop, probe.device), 1
        ),
    )


def forecast_item_sets(probe: Probe, estimate: TargetEstimate, closed: FloatArray) -> ItemSetForecast:
    """What the estimate says of the target's items; `closed` (heads, n, K) are heads adapted as if all were there."""
    items = probe.data.items
    there = np.ones(len(items), dtype=np.bool_) if estimate.prior is None else estimate.prior > 0
    return ItemSetForecast(
        setting=estimate.setting,
        evidence=estimate.to_json()["evidence"],
        items=len(items),
        shown=[item for item, shown in zip(items, there.tolist(), strict=True) if shown],
        unknown=None if estimate.known is None else float((1 - estimate.known).mean()),
        misplaced=None if there.all() else float((~there)[closed.argmax(2)].mean()),
    )


def measure_forecast_inputs(
    shares: FloatArray, source_accuracy: float, before: FloatArray, heads: FloatArray
) -> ForecastInputs:
    """What differs between a network (n, K) and adapted heads (heads, n, K); `shares` (K,) are the source's items'."""
    together = heads.mean(0)
    named, renamed = before.argmax(1), together.argmax(1)
    otherwise = named != renamed
    before_shares, after_shares = (np.bincount(names, minlength=len(shares)) / len(names) for names in (named, renamed))
    return ForecastInputs(
        source_accuracy=source_accuracy,
        changed=float((heads.argmax(2) != named).mean()),
        confidence=float(together[otherwise].max(1).mean()) if otherwise.any() else 1.0,
        shares_before=total_variation(before_shares, shares),
        shares_after=total_variation(after_shares, shares),
    )


def _seconds(probe: Probe, target: str) -> float:
    """Of adapting by the default method on features, from a few steps of it."""
    method, settings = methods.load(DEFAULT_METHOD)(), replace(build_settings(probe.request, "head"), epochs=1)
    pair = SourceTargetData(probe.source(), probe.target(target), no_examples(), 0)

    def timed(steps: int) -> float:
        network = build_adaptation_network(nn.Identity(), build_head(probe, 0, probe.inputs), method, 0)
        began = time.perf_counter()
        setup = AdaptationSetup(method, probe.inputs, settings, steps, probe.device)
        task, training = setup.build_training([network], [pair])
        task.set_pseudo_labels(setup.train_teachers([network], [pair], SILENT))
        training.run(SILENT)
        return time.perf_counter() - began

    with limit_threads("features"):
        timed(1)  # the first time, memory is asked for
        return extrapolate_seconds(timed, ADAPT_EPOCHS, ADAPT_STEPS)


_MOST = 2000
"""Rows of a domain whose distances to all others are taken."""

_SAMPLES = 40
_NOISE = 0.34
"""What the estimated total variation stayed below in nine of ten pseudo-shifts that left all items their shares."""


def measure_distance(probe: Probe, target: str) -> Distance:
    """Between source and target, and between two halves of the source."""
    seed = probe.request.options.seed
    parts = [probe.domains[name].photographs for name in probe.request.domains]
    source, other = np.concatenate([probe.features(part.domain) for part in parts]), probe.features(target)
    numbers = np.concatenate([_folds(part, seed) for part in parts])
    others = _folds(probe.domains[target].photographs, seed)
    first = np.array([int(digest, 16) % 2 == 0 for part in parts for digest in part.digests])  # twins on one side
    return Distance(
        a_distance=proxy_a_distance(source, other, numbers, others),
        a_distance_within=proxy_a_distance(source[first], source[~first], numbers[first], numbers[~first]),
        mmd2=squared_mmd(_some(source, seed), _some(other, seed)),
        mmd2_within=squared_mmd(_some(source[first], seed), _some(source[~first], seed)),
    )


def estimate_label_shift(probe: Probe, probabilities: FloatArray) -> LabelShift:
    """From what adapted heads say of the target, (n, K): those that saw the source alone err too often for this."""
    counts = np.maximum(np.bincount(probe.items(), minlength=probabilities.shape[1]), 0.5)
    prior = counts / counts.sum()
    shares = target_prior(probabilities, prior)
    draws = keyed_generator("label shift", probe.request.options.seed)
    count = len(probabilities)
    samples = [probabilities[draws.integers(count, size=count)] for _ in range(_SAMPLES)]
    sampled = [total_variation(target_prior(sample, prior), prior) for sample in samples]
    low, high = np.quantile(sampled, (0.05, 0.95)).tolist()
    named = zip(probe.data.items, prior.tolist(), shares.tolist(), strict=True)
    return LabelShift(
        total_variation=total_variation(shares, prior),
        interval=(low, high),
        noise=_NOISE,
        shares={item: (before, after) for item, before, after in named},
    )


def _folds(photographs: Photographs, seed: int) -> IntArray:
    """The fold (n,) of each photograph, by its content alone: whatever labels it has are not looked at."""
    nothing = np.zeros(len(photographs), dtype=np.int64)
    return assign_folds(nothing, photographs.digests, count=FOLDS, seed=seed)


def _some(rows: FloatArray, seed: int) -> FloatArray:
    """The rows, or as many of them as are not too many, drawn."""
    if len(rows) <= _MOST:
        return rows
    return rows[keyed_generator("distances", seed).choice(len(rows), _MOST, replace=False)]
