"""Every method against learning from the source alone, on a shift that is known: four blobs, turned and stretched."""

import copy
import functools

import numpy as np
import pytest
from torch import nn

from office31_cli import methods
from office31_cli.data.photographs import IntArray
from office31_cli.engine import device
from office31_cli.engine.batches import SourceTargetData
from office31_cli.engine.inputs import Examples, FrozenInputs, RandomNumbers
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.models.network import Head
from office31_cli.observer import SILENT
from office31_cli.workflow.adapt_training import AdaptationSetup, build_adaptation_network, fix_epochs, no_examples
from tests.helpers.tiny_training import CPU, cache_array

CLASSES, EACH = 4, 40
ITEMS: IntArray = np.repeat(np.arange(CLASSES), EACH)
SEEDS = range(3)
EPOCHS, STEPS = 3, 30

TURN = np.radians(35)
STRETCH, OFFSET = np.array([1.3, 1 / 1.3]), np.array([0.4, -0.2])
"""Per feature: all that AdaBN and Tent can undo."""


def blobs(seed: int, domain: int) -> RandomNumbers:
    """Gaussian blobs (n, 2) around four points of a circle, one for each of `ITEMS`; those of domain 1 are shifted."""
    angles = 2 * np.pi * ITEMS / CLASSES + domain * TURN
    noise = np.random.default_rng([seed, domain]).standard_normal((len(ITEMS), 2))
    points = np.stack([np.cos(angles), np.sin(angles)], 1) + 0.25 * noise
    return points * STRETCH + OFFSET if domain else points


def inputs(seed: int) -> FrozenInputs:
    """Three views of both domains: the points as they are, and moved a little.

    A third feature is 1 throughout: heads look at directions alone, and so a point's tells where it lies.
    """
    random, ones = np.random.default_rng([seed, 2]), np.ones((len(ITEMS), 1))
    views = [
        [blobs(seed, domain) + (0.1 if view else 0) * random.standard_normal((len(ITEMS), 2)) for domain in (0, 1)]
        for view in range(3)
    ]
    return FrozenInputs([[cache_array(np.hstack([x, ones]).astype(np.float32)) for x in view] for view in views], CPU)


def adapted(name: str, seed: int, head: Head) -> float:
    """Train the head by a method; its accuracy on the target afterwards."""
    method, rows = methods.load(name)(), np.arange(len(ITEMS))
    labelled = no_examples() if method.source_free else Examples(0 * rows, rows, ITEMS[:, None].astype(float))
    pair = SourceTargetData(labelled, Examples(0 * rows + 1, rows, np.empty((len(rows), 0))), no_examples(), seed)
    how = Settings(epochs=EPOCHS, batch_size=32, optimizer="nesterov", lr=0.03, seed=seed)
    network = build_adaptation_network(nn.Identity(), head, method, seed)
    task, training = AdaptationSetup(method, inputs(seed), fix_epochs(how, method), STEPS, CPU).build_training(
        [network], [pair]
    )
    training.run(SILENT)
    return float((task.predictions(0)[-1] == ITEMS).mean())


def fresh(seed: int) -> Head:
    seed_torch("toy", seed)
    return Head(3, 32, CLASSES)


@functools.cache
def source_only(seed: int) -> tuple[float, Head]:
    """What is there to beat, and what source-free methods go on from."""
    head = fresh(seed)
    return adapted("erm", seed, head), head


@pytest.mark.parametrize("name", sorted(set(methods.FOLDER.names()) - {"erm", "auto"}))
def test_it_does_better_than_the_source_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_cpu_has_bfloat16", lambda: False)
    gains = []
    for seed in SEEDS:
        before, head = source_only(seed)
        start = copy.deepcopy(head) if methods.load(name).source_free else fresh(seed)
        gains.append(adapted(name, seed, start) - before)
    assert np.mean(gains) > 0.02
