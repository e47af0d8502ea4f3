"""How far apart source and target are, by their features and by their items' shares."""

import numpy as np

from office31_cli.data.photographs import IntArray, Photographs
from office31_cli.data.splits import folds
from office31_cli.engine.draws import generator
from office31_cli.metrics.domains import proxy_a_distance, squared_mmd
from office31_cli.metrics.label_shift import shares_by_em, total_variation
from office31_cli.outputs.base import FloatArray
from office31_cli.recipes.doctor.heads import FOLDS
from office31_cli.recipes.doctor.probe import Case
from office31_cli.recipes.doctor.results import Distance, LabelShift

_MOST = 2000
"""Rows of a domain whose distances to all others are taken."""

_SAMPLES = 40
_NOISE = 0.34
"""What the estimated total variation stayed below in nine of ten pseudo-shifts that left all items their shares."""


def distance(case: Case, target: str) -> Distance:
    """Between source and target, and between two halves of the source."""
    seed = case.request.options.seed
    parts = [case.domains[name].photographs for name in case.request.domains]
    source, other = np.concatenate([case.features(part.domain) for part in parts]), case.features(target)
    numbers = np.concatenate([_folds(part, seed) for part in parts])
    others = _folds(case.domains[target].photographs, seed)
    first = np.array([int(digest, 16) % 2 == 0 for part in parts for digest in part.digests])  # twins on one side
    return Distance(
        a_distance=proxy_a_distance(source, other, numbers, others),
        a_distance_within=proxy_a_distance(source[first], source[~first], numbers[first], numbers[~first]),
        mmd2=squared_mmd(_some(source, seed), _some(other, seed)),
        mmd2_within=squared_mmd(_some(source[first], seed), _some(source[~first], seed)),
    )


def label_shift(case: Case, probabilities: FloatArray) -> LabelShift:
    """From what adapted heads say of the target, (n, K): those that saw the source alone err too often for this."""
    counts = np.maximum(np.bincount(case.items(), minlength=probabilities.shape[1]), 0.5)
    prior = counts / counts.sum()
    shares = shares_by_em(probabilities, prior)
    draws = generator("label shift", case.request.options.seed)
    count = len(probabilities)
    samples = [probabilities[draws.integers(count, size=count)] for _ in range(_SAMPLES)]
    sampled = [total_variation(shares_by_em(sample, prior), prior) for sample in samples]
    low, high = np.quantile(sampled, (0.05, 0.95)).tolist()
    named = zip(case.data.items, prior.tolist(), shares.tolist(), strict=True)
    return LabelShift(
        total_variation=total_variation(shares, prior),
        interval=(low, high),
        noise=_NOISE,
        shares={item: (before, after) for item, before, after in named},
    )


def _folds(photographs: Photographs, seed: int) -> IntArray:
    """The fold (n,) of each photograph, by its content alone: whatever labels it has are not looked at."""
    nothing = np.zeros(len(photographs), dtype=np.int64)
    return folds(nothing, photographs.digests, count=FOLDS, seed=seed)


def _some(rows: FloatArray, seed: int) -> FloatArray:
    """The rows, or as many of them as are not too many, drawn."""
    if len(rows) <= _MOST:
        return rows
    return rows[generator("distances", seed).choice(len(rows), _MOST, replace=False)]
