"""Batches of several kinds of photographs: labelled ones of two cameras side by side, and unlabelled ones."""

from collections.abc import Sequence

import numpy as np
import torch

from office31_cli.engine.batches import WHOLE, Batch, Part, Side, nearly_equal
from office31_cli.engine.inputs import Examples, Inputs, joined
from office31_cli.errors import Failed


class MixedBatches:
    """Labelled examples of several kinds in equal parts, and unlabelled ones beside them.

    An epoch shows the largest part once, and meanwhile goes round the others, each time in another order; one that is
    smaller than a batch is shown whole.
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
        part: Part = WHOLE,
    ) -> None:
        self._inputs, self._device, self._part = inputs, device, part
        parts = [part for part in labelled if len(part)]
        longest = max(map(len, [*parts, unlabelled]))
        self._steps = len(nearly_equal(longest, batch_size))
        self._labelled = [
            Side(f"labelled {place}", [part], [seed], min(batch_size, len(part)), self._steps)
            for place, part in enumerate(parts)
        ]
        self._unlabelled = (
            Side("unlabelled", [unlabelled], [seed], min(batch_size, len(unlabelled)), self._steps)
            if len(unlabelled)
            else None
        )
        self._size = min(batch_size, longest)
        if sum(min(batch_size, len(part)) for part in parts) < 2:
            raise Failed("training", "batch norm cannot learn from a single photograph", "give two or more")

    @property
    def steps(self) -> int:
        """As many as show the largest part once."""
        return self._steps

    @property
    def photographs(self) -> int:
        """Those of the largest part that an epoch shows."""
        return self._steps * self._size

    def batch(self, epoch: int, step: int) -> Batch:
        """The labelled inputs, their targets (n, outputs), and unlabelled inputs where there are any.

        Of the labelled ones a part; the unlabelled ones are not shared.
        """
        examples, _, draws = zip(*(side.step(epoch, step) for side in self._labelled), strict=True)
        whole = joined(examples)
        mine = np.arange(len(whole))[self._part.rows(len(whole))]
        together = whole.take(mine)
        targets = torch.from_numpy(together.targets).to(self._device, torch.float32, non_blocking=True)
        tensors = [self._inputs.training(together, np.concatenate(draws)[mine]), targets]
        if self._unlabelled is not None:
            rest, _, views = self._unlabelled.step(epoch, step)
            tensors.append(self._inputs.training(rest, views))
        return Batch(tuple(tensors), self._size, len(whole))
