"""Batches that mix sources of examples: labelled ones of several domains side by side, and unlabelled ones."""

from collections.abc import Sequence

import numpy as np
import torch

from office31_cli.data.photographs import IntArray
from office31_cli.engine.batches import WHOLE_BATCH, Batch, BatchShard, DomainSampler, EqualSteps, split_evenly
from office31_cli.engine.inputs import Examples, Inputs, concatenate
from office31_cli.errors import Failed


class MixedBatches(EqualSteps):
    """The same number of labelled examples of each domain, and unlabelled ones beside them.

    An epoch shows the largest of these parts once, and counts its photographs; meanwhile it goes through the others
    again and again, reshuffled each time. A part that is smaller than the batch is shown whole. With `balanced_by`, the
    items (n,) of each labelled part, items are drawn from it equally often.
    """

    def __init__(
        self,
        inputs: Inputs,
        labelled: Sequence[Examples],
        unlabelled: Examples,
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
        shard: BatchShard = WHOLE_BATCH,
        balanced_by: Sequence[IntArray] | None = None,
    ) -> None:
        self._inputs, self._device, self._shard = inputs, device, shard
        there = [place for place, domain in enumerate(labelled) if len(domain)]
        domains = [labelled[place] for place in there]
        longest = max(map(len, [*domains, unlabelled]))
        super().__init__(len(split_evenly(longest, batch_size)), min(batch_size, longest))
        self._labelled = [
            DomainSampler(
                f"labelled {number}",
                [labelled[place]],
                [seed],
                min(batch_size, len(labelled[place])),
                self.steps,
                None if balanced_by is None else balanced_by[place],
            )
            for number, place in enumerate(there)
        ]
        self._unlabelled = (
            DomainSampler("unlabelled", [unlabelled], [seed], min(batch_size, len(unlabelled)), self.steps)
            if len(unlabelled)
            else None
        )
        if sum(min(batch_size, len(domain)) for domain in domains) < 2:
            raise Failed("training", "batch norm cannot normalise a single photograph", "give two or more")

    def batch(self, epoch: int, step: int) -> Batch:
        """The labelled inputs (n, ...), their targets (n, outputs), and unlabelled inputs (m, ...) if there are any.

        The labelled rows are this process's shard; the unlabelled ones are not shared.
        """
        examples, _, numbers = zip(*(domain.sample(epoch, step) for domain in self._labelled), strict=True)
        whole = concatenate(examples)
        places = np.arange(len(whole))[self._shard.rows(len(whole))]
        shard = whole.take(places)
        targets = torch.from_numpy(shard.targets).to(self._device, torch.float32, non_blocking=True)
        tensors = [self._inputs.training_views(shard, np.concatenate(numbers)[places]), targets]
        if self._unlabelled is not None:
            unlabelled, _, unlabelled_numbers = self._unlabelled.sample(epoch, step)
            tensors.append(self._inputs.training_views(unlabelled, unlabelled_numbers))
        return Batch(tuple(tensors), self._size, len(whole))
