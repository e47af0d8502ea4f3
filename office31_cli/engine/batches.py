"""What a training is fed, step by step. Every order and view follows from the seed and the position in the run."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from office31_cli.data.photographs import IntArray
from office31_cli.engine.inputs import Examples, Inputs, RandomNumbers, concatenate
from office31_cli.engine.random_numbers import epoch_permutation, keyed_generator
from office31_cli.methods.base import Method


@dataclass(frozen=True, eq=False)
class Batch:
    """A step's tensors, as the task's `forward` takes them, and the photographs that it counts for."""

    tensors: tuple[Tensor, ...]
    photographs: int
    rows: int = 0
    """Of labelled inputs over all processes, where these share the batch."""


@dataclass(frozen=True)
class BatchShard:
    """Which of so many contiguous parts of a batch, none a row longer than another by more than one."""

    index: int = 0
    count: int = 1

    def rows(self, count: int) -> slice:
        """Its rows of `count`."""
        return slice(self.index * count // self.count, (self.index + 1) * count // self.count)


WHOLE_BATCH = BatchShard()


class Batches(Protocol):
    """Epochs of equally many steps."""

    @property
    def steps(self) -> int:
        """The steps of an epoch."""

    @property
    def photographs(self) -> int:
        """Those that an epoch counts."""

    def batch(self, epoch: int, step: int) -> Batch:
        """What the step is fed."""


class EqualSteps:
    """Epochs of so many steps, each of which counts for so many photographs."""

    def __init__(self, steps: int, size: int) -> None:
        self._steps, self._size = steps, size

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return self._steps

    @property
    def photographs(self) -> int:
        """Those that an epoch counts."""
        return self._steps * self._size


class LabelledBatches:
    """Every epoch shows each labelled example once, in another order."""

    def __init__(
        self,
        inputs: Inputs,
        examples: Examples,
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
        part: BatchShard = WHOLE_BATCH,
    ) -> None:
        self._inputs, self._examples, self._seed, self._device, self._part = inputs, examples, seed, device, part
        self._places = split_evenly(len(examples), batch_size)

    @property
    def steps(self) -> int:
        """Batches of nearly equal size, none above the batch size."""
        return len(self._places)

    @property
    def photographs(self) -> int:
        """All of them."""
        return len(self._examples)

    def batch(self, epoch: int, step: int) -> Batch:
        """The inputs and their targets (n, outputs), of a part of the step's rows."""
        shuffled, draws = _shuffle_epoch(self._seed, epoch, self.photographs)
        whole = shuffled[self._places[step]]
        places = whole[self._part.rows(len(whole))]
        examples = self._examples.take(places)
        targets = torch.from_numpy(examples.targets).to(self._device, torch.float32, non_blocking=True)
        return Batch((self._inputs.training_views(examples, draws[places]), targets), len(whole), len(whole))


@dataclass(frozen=True, eq=False)
class SourceTargetData:
    """What one adaptation learns from, and what its epochs are looked at on."""

    source: Examples
    """Its targets (n, 1) are the items; no rows for a source-free method."""
    target: Examples
    """Its targets are (n, 0): there is no label in it."""
    validation: Examples
    """Labelled photographs of the source that are not learnt from; there may be none."""
    seed: int | str


class SourceTargetBatches(EqualSteps):
    """Source and target side by side, for one run or several of the same shape: tensors begin with (runs, ...).

    An epoch is so many steps, whatever the domains' sizes: each is gone through again and again, every time in another
    order; one that is smaller than a batch is shown whole. It counts the photographs of the domain with the larger
    batches that one run sees.
    """

    def __init__(
        self,
        inputs: Inputs,
        pairs: Sequence[SourceTargetData],
        method: Method,
        *,
        batch_size: int,
        steps: int,
        device: torch.device,
    ) -> None:
        self._inputs, self._pairs, self._device = inputs, pairs, device
        self._compares = method.views > 1
        source = 0 if method.source_free else min(batch_size, *(len(pair.source) for pair in pairs))
        target = min(batch_size, *(len(pair.target) for pair in pairs)) if method.uses_target else 0
        super().__init__(steps, max(source, target))
        seeds = [pair.seed for pair in pairs]
        self._source = DomainSampler("source", [pair.source for pair in pairs], seeds, source, steps)
        self._target = DomainSampler("target", [pair.target for pair in pairs], seeds, target, steps)

    def batch(self, epoch: int, step: int) -> Batch:
        """Source inputs, their labels, target inputs, those in another view, and the target's places."""
        source, _, views = self._source.sample(epoch, step)
        target, places, other = self._target.sample(epoch, step)
        labels = torch.from_numpy(source.targets[:, 0]).to(self._device, torch.long, non_blocking=True)
        if self._compares:
            first, again = self._inputs.evaluation_views(target), self._inputs.strong_views(target, other)
        else:
            first = self._inputs.training_views(target, other)
            again = first[:0]
        tensors = (self._inputs.training_views(source, views), labels, first, again, torch.from_numpy(places))
        return Batch(tuple(self._by_run(tensor) for tensor in tensors), self._size)

    def _by_run(self, tensor: Tensor) -> Tensor:
        runs = len(self._pairs)
        return tensor.to(self._device).reshape(runs, len(tensor) // runs, *tensor.shape[1:])


class DomainSampler:
    """The sources of all runs, or their targets. What an epoch shows is drawn when it begins, not step by step."""

    def __init__(self, name: str, parts: Sequence[Examples], seeds: Sequence[int | str], size: int, steps: int) -> None:
        self._name, self._seeds, self._size, self._steps = name, seeds, size, steps
        self._counts = [len(part) for part in parts]
        self._together, self._starts = concatenate(parts), np.cumsum([0, *self._counts])[:-1, None]
        self._drawn: tuple[int, IntArray, RandomNumbers] | None = None

    def sample(self, epoch: int, step: int) -> tuple[Examples, IntArray, RandomNumbers]:
        """Every run's examples one after the other, their places, and what decides their views."""
        if self._drawn is None or self._drawn[0] != epoch:
            self._drawn = epoch, *self._epoch(epoch)
        places, draws = (each[step] for each in self._drawn[1:])
        return self._together.take((self._starts + places).ravel()), places.ravel(), draws.reshape(-1, 5)

    def _epoch(self, epoch: int) -> tuple[IntArray, RandomNumbers]:
        """Places (steps, runs, size), and draws (steps, runs, size, 5)."""
        shape, total = (self._steps, self._size), self._steps * self._size
        places = [
            _cycle_places(self._name, seed, count, epoch * total, total).reshape(shape)
            for seed, count in zip(self._seeds, self._counts, strict=True)
        ]
        draws = [
            keyed_generator("views", self._name, seed, epoch).random((total, 5)).reshape(*shape, 5)
            for seed in self._seeds
        ]
        return np.stack(places, 1), np.stack(draws, 1)


def _cycle_places(domain: str, seed: int | str, count: int, start: int, size: int) -> IntArray:
    """Places `start` to `start + size` of a sequence that holds all of `count` again and again, shuffled each time."""
    if not size:
        return np.empty(0, dtype=np.int64)
    rounds = range(start // count, (start + size - 1) // count + 1)
    sequence = np.concatenate([keyed_generator("round", domain, seed, number).permutation(count) for number in rounds])
    return sequence[start - rounds[0] * count :][:size]


@functools.lru_cache(maxsize=1)
def _shuffle_epoch(seed: int, epoch: int, count: int) -> tuple[IntArray, RandomNumbers]:
    """An epoch's order (count,) and what decides each photograph's view (count, 5)."""
    return epoch_permutation(seed, epoch, count), keyed_generator("draws", seed, epoch).random((count, 5))


def split_evenly(count: int, size: int) -> list[IntArray]:
    """Places 0 to count in batches of nearly equal size, none above `size`, nor of one, which batch norm cannot take.

    An odd number of rows in pairs has one batch of three.
    """
    return np.array_split(np.arange(count), max(1, min(math.ceil(count / size), count // 2)))
