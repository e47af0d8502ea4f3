"""Adaptations of a moment: heads on a few random features of two domains, the source's labelled."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from office31_cli import methods
from office31_cli.engine.adaptation import AdaptationTask
from office31_cli.engine.adaptation_network import AdaptationNetwork
from office31_cli.engine.batches import SourceTargetBatches, SourceTargetData
from office31_cli.engine.inputs import Examples, FrozenInputs
from office31_cli.engine.loop import Training
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.methods.base import Method
from office31_cli.models.network import Head
from tests.helpers.tiny_training import CPU, cache_array

ITEMS, WIDTH, BOTTLENECK = 3, 6, 8
COUNTS = (23, 17, 29)
"""The photographs of each of three domains."""

NOTHING = Examples(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 1)))


def inputs() -> FrozenInputs:
    """Four views of the three domains, in which a photograph looks a little different each time."""
    random = np.random.default_rng(0)
    plain = [random.standard_normal((count, WIDTH), dtype=np.float32) for count in COUNTS]
    views = [[x + 0.3 * view * random.standard_normal(x.shape, dtype=np.float32) for x in plain] for view in range(4)]
    return FrozenInputs([[cache_array(array.astype(np.float32)) for array in view] for view in views], CPU)


def labelled(domain: int) -> Examples:
    rows = np.arange(COUNTS[domain])
    return Examples(np.full(len(rows), domain), rows, (rows % ITEMS)[:, None].astype(np.float64))


def unlabelled(domain: int) -> Examples:
    rows = np.arange(COUNTS[domain])
    return Examples(np.full(len(rows), domain), rows, np.empty((len(rows), 0)))


def build_pair(source: int = 0, target: int = 1, seed: int = 1, *, source_free: bool = False) -> SourceTargetData:
    """From one domain to another; the source's first photographs stand in for held-out ones."""
    learnt = labelled(source)
    kept_back = NOTHING if source_free else learnt.take(np.arange(5))
    return SourceTargetData(NOTHING if source_free else learnt, unlabelled(target), kept_back, seed)


def build_network(method: Method, seed: int = 1) -> AdaptationNetwork:
    """A fresh head and what the method adds, drawn by the seed."""
    seed_torch("test", seed)
    return AdaptationNetwork(nn.Identity(), Head(WIDTH, BOTTLENECK, ITEMS), method)


def build_adaptation(
    name: str, pairs: Sequence[SourceTargetData], *, epochs: int = 3, steps: int = 4, lr: float = 0.05
) -> tuple[AdaptationTask, Training]:
    """The method's runs, one a pair, ready to be trained as one."""
    method, given = methods.load(name)(), inputs()
    how = Settings(epochs=epochs, batch_size=8, optimizer="nesterov", lr=lr, seed=1)
    learners = [build_network(method, each.seed) for each in pairs]
    adaptation = AdaptationTask(learners, method, given, pairs, epochs=epochs, device=CPU)
    batches = SourceTargetBatches(given, pairs, method, batch_size=how.batch_size, steps=steps, device=CPU)
    return adaptation, Training(adaptation, adaptation.parameter_groups(), batches, how, CPU)


def copy_state(each: nn.Module) -> dict[str, torch.Tensor]:
    """What a module has learnt, as it is now."""
    return {name: value.clone() for name, value in each.state_dict().items()}
