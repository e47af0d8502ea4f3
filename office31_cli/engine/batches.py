"""The batches of a training. Every order and every view follows from the seed and the position in the run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from office31_cli.data.photographs import IntArray
from office31_cli.engine.class_balance import balanced_places
from office31_cli.engine.inputs import Examples, Inputs, RandomNumbers, concatenate
from office31_cli.engine.random_numbers import cycle_places, epoch_permutation, keyed_generator
from office31_cli.methods.base import Method
from office31_cli.outputs.base import FloatArray


@dataclass(frozen=True, eq=False)
class Batch:
    """The tensors of a step, as the task's `forward` takes them, and the number of photographs that it counts for."""

    tensors: tuple[Tensor, ...]
    photographs: int
    rows: int = 0
    """The labelled rows of the whole batch, where several processes have a shard each."""


@dataclass(frozen=True)
class BatchShard:
    """One of `count` contiguous shards of every batch, whose sizes differ by one row at most."""

    index: int = 0
    count: int = 1

    def rows(self, total: int) -> slice:
        """The shard's rows of a batch of `total`."""
        return slice(self.index * total // self.count, (self.index + 1) * total // self.count)


WHOLE_BATCH = BatchShard()


class Batches(Protocol):
    """Epochs with the same number of steps each."""

    @property
    def steps(self) -> int:
        """Steps of an epoch."""

    @property
    def photographs(self) -> int:
        """Photographs that an epoch counts for."""

    def batch(self, epoch: int, step: int) -> Batch:
        """The batch of a step, from 0."""


class EqualSteps:
    """Epochs of `steps` steps, each of which counts for `size` photographs."""

    def __init__(self, steps: int, size: int) -> None:
        self._steps, self._size = steps, size

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self._steps

    @property
    def photographs(self) -> int:
        """Photographs that an epoch counts for."""
        return self._steps * self._size


class LabelledBatches:
    """Epochs that show each labelled example once, in another order each time; this process's `shard` of each batch.

    With `balanced_by`, the item (n,) of each example, an epoch draws as many examples, but of each item equally many.
    """

    def __init__(
        self,
        inputs: Inputs,
        examples: Examples,
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
        shard: BatchShard = WHOLE_BATCH,
        balanced_by: IntArray | None = None,
    ) -> None:
        self._inputs, self._examples, self._seed, self._device, self._shard = inputs, examples, seed, device, shard
        self._places, self._balanced_by = split_evenly(len(examples), batch_size), balanced_by
        self._drawn: tuple[int, IntArray, RandomNumbers] | None = None

    @property
    def steps(self) -> int:
        """Batches of nearly equal size, none above the batch size."""
        return len(self._places)

    @property
    def photographs(self) -> int:
        """All of them."""
        return len(self._examples)

    def batch(self, epoch: int, step: int) -> Batch:
        """The inputs (n, ...) and their targets (n, outputs)."""
        if self._drawn is None or self._drawn[0] != epoch:
            self._drawn = epoch, *self._draw_epoch(epoch)
        _, order, numbers = self._drawn
        whole = self._places[step]
        shard = whole[self._shard.rows(len(whole))]
        examples = self._examples.take(order[shard])
        targets = torch.from_numpy(examples.targets).to(self._device, torch.float32, non_blocking=True)
        return Batch((self._inputs.training_views(examples, numbers[shard]), targets), len(whole), len(whole))

    def _draw_epoch(self, epoch: int) -> tuple[IntArray, RandomNumbers]:
        """An epoch's order (n,), and the numbers that decide the view of each photograph in it (n, 5)."""
        count = self.photographs
        numbers = keyed_generator("draws", self._seed, epoch).random((count, 5))
        if self._balanced_by is not None:
            return balanced_places("labelled", self._seed, self._balanced_by, epoch * count, count), numbers
        order = epoch_permutation(self._seed, epoch, count)
        return order, numbers[order]


@dataclass(frozen=True, eq=False)
class SourceTargetData:
    """The examples of one adaptation run."""

    source: Examples
    """With the items as targets (n, 1); no rows for a source-free method."""
    target: Examples
    """With targets (n, 0): it has no labels."""
    validation: Examples
    """Labelled photographs of the source that are not trained on; may be empty."""
    seed: int | str
    prior: "FloatArray | None" = None
    """The estimated shares (K,) of the source's items in the target, 0 for absent ones; None where all are there."""
    known: "FloatArray | None" = None
    """The estimated probability (n,) that each photograph of the target shows one of these items; None where all do."""


class SourceTargetBatches(EqualSteps):
    """Batches of source and target side by side, for runs of the same shape: tensors begin with (runs, ...).

    An epoch has a fixed number of steps, whatever the domains' sizes: each domain is gone through again and again,
    reshuffled each time; one that is smaller than the batch is shown whole. A step counts for the larger of the two
    batches of one run.
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
        self._inputs, self._runs, self._device = inputs, len(pairs), device
        self._has_strong_views = method.views > 1
        source = 0 if method.source_free else min(batch_size, *(len(pair.source) for pair in pairs))
        target = min(batch_size, *(len(pair.target) for pair in pairs)) if method.uses_target else 0
        super().__init__(steps, max(source, target))
        seeds = [pair.seed for pair in pairs]
        self._source = DomainSampler("source", [pair.source for pair in pairs], seeds, source, steps)
        self._target = DomainSampler("target", [pair.target for pair in pairs], seeds, target, steps)

    def batch(self, epoch: int, step: int) -> Batch:
        """Source inputs, their labels, target inputs, strong views of these, and the target's places."""
        source, _, source_numbers = self._source.sample(epoch, step)
        target, places, target_numbers = self._target.sample(epoch, step)
        labels = torch.from_numpy(source.targets[:, 0]).to(self._device, torch.long, non_blocking=True)
        if self._has_strong_views:
            weak, strong = self._inputs.evaluation_views(target), self._inputs.strong_views(target, target_numbers)
        else:
            weak = self._inputs.training_views(target, target_numbers)
            strong = weak[:0]
        tensors = (
            self._inputs.training_views(source, source_numbers),
            labels,
            weak,
            strong,
            torch.from_numpy(places),
        )
        return Batch(tuple(self._by_run(tensor) for tensor in tensors), self._size)

    def _by_run(self, tensor: Tensor) -> Tensor:
        """Rows of all runs (runs * n, ...) on the device, as (runs, n, ...)."""
        return tensor.to(self._device).reshape(self._runs, len(tensor) // self._runs, *tensor.shape[1:])


class DomainSampler:
    """Draws a step's examples from the same domain of every run, the sources or the targets.

    `name` and a run's seed decide its draws; those of an epoch are made when it begins. With `balanced_by`, of a
    single run the item (n,) of each example, items are drawn equally often.
    """

    def __init__(
        self,
        name: str,
        domains: Sequence[Examples],
        seeds: Sequence[int | str],
        size: int,
        steps: int,
        balanced_by: IntArray | None = None,
    ) -> None:
        self._name, self._seeds, self._size, self._steps = name, seeds, size, steps
        self._balanced_by = balanced_by
        self._counts = [len(domain) for domain in domains]
        self._examples, self._starts = concatenate(domains), np.cumsum([0, *self._counts])[:-1, None]
        self._drawn: tuple[int, IntArray, RandomNumbers] | None = None

    def sample(self, epoch: int, step: int) -> tuple[Examples, IntArray, RandomNumbers]:
        """A step's examples, run after run, their places in their domains, and the numbers that decide their views."""
        if self._drawn is None or self._drawn[0] != epoch:
            self._drawn = epoch, *self._draw_epoch(epoch)
        places, numbers = (each[step] for each in self._drawn[1:])
        return self._examples.take((self._starts + places).ravel()), places.ravel(), numbers.reshape(-1, 5)

    def _draw_epoch(self, epoch: int) -> tuple[IntArray, RandomNumbers]:
        """Places (steps, runs, size), and random numbers (steps, runs, size, 5)."""
        shape, total = (self._steps, self._size), self._steps * self._size
        places = [
            self._draw_places(seed, count, epoch * total, total).reshape(shape)
            for seed, count in zip(self._seeds, self._counts, strict=True)
        ]
        numbers = [
            keyed_generator("views", self._name, seed, epoch).random((total, 5)).reshape(*shape, 5)
            for seed in self._seeds
        ]
        return np.stack(places, 1), np.stack(numbers, 1)

    def _draw_places(self, seed: int | str, count: int, start: int, size: int) -> IntArray:
        if self._balanced_by is not None:
            return balanced_places(self._name, seed, self._balanced_by, start, size)
        return cycle_places(self._name, seed, count, start, size)


def split_evenly(count: int, size: int) -> list[IntArray]:
    """The places 0 to `count` in batches of nearly equal size, none above `size`, nor of one row.

    Batch norm cannot normalise a single row: where `size` is 2, an odd `count` has one batch of three.
    """
    return np.array_split(np.arange(count), max(1, min(math.ceil(count / size), count // 2)))
