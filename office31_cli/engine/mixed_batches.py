"""Batches of several kinds of photographs: labelled ones of two cameras side by side, and unlabelled ones."""

from collections.abc import Sequence

import numpy as np
import torch

from office31_cli.engine.batches import WHOLE_BATCH, Batch, BatchShard, DomainSampler, EqualSteps, split_evenly
from office31_cli.engine.inputs import Examples, Inputs, concatenate
from office31_cli.errors import Failed


class MixedBatches(EqualSteps):
    """Labelled examples of several kinds in equal parts, and unlabelled ones beside them.

    An epoch shows the largest part once, and counts its photographs; meanwhile it goes round the others, each time in
    another order. A part that is smaller than a batch is shown whole.
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
        part: BatchShard = WHOLE_BATCH,
    ) -> None:
        self._inputs, self._device, self._part = inputs, device, part
        parts = [part for part in labelled if len(part)]
        longest = max(map(len, [*parts, unlabelled]))
        super().__init__(len(split_evenly(longest, batch_size)), min(batch_size, longest))
        self._labelled = [
            DomainSampler(f"labelled {place}", [part], [seed], min(batch_size, len(part)), self.steps)
            for place, part in enumerate(parts)
        ]
        self._unlabelled = (
            DomainSampler("unlabelled", [unlabelled], [seed], min(batch_size, len(unlabelled)), self.steps)
            if len(unlabelled)
            else None
        )
        if sum(min(batch_size, len(part)) for part in parts) < 2:
            raise Failed("training", "batch norm cannot learn from a single photograph", "give two or more")

    def batch(self, epoch: int, step: int) -> Batch:
        """The labelled inputs, their targets (n, outputs), and unlabelled inputs where there are any.

        Of the labelled ones a part; the unlabelled ones are not shared.
        """
        examples, _, draws = zip(*(side.sample(epoch, step) for side in self._labelled), strict=True)
        whole = concatenate(examples)
        mine = np.arange(len(whole))[self._part.rows(len(whole))]
        together = whole.take(mine)
        targets = torch.from_numpy(together.targets).to(self._device, torch.float32, non_blocking=True)
        tensors = [self._inputs.training_views(together, np.concatenate(draws)[mine]), targets]
        if self._unlabelled is not None:
            rest, _, views = self._unlabelled.sample(epoch, step)
            tensors.append(self._inputs.training_views(rest, views))
        return Batch(tuple(tensors), self._size, len(whole))
