"""A network that learns from a labelled source and an unlabelled target: one step's losses."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from office31_cli.methods.base import Method, ModelOutput, Source, Step, Target
from office31_cli.models.network import Head


class AdaptationNetwork(nn.Module):
    """One network and what its method trains beside it.

    `stage` maps what the frozen part made of an image to the backbone's features, `head` those to the items' logits.
    Source and target go through it one after the other, so that batch norms see one camera at a time (Li 2016,
    Chang 2019); what they remember for later is the target's statistics. The head's dropouts, which were chosen for
    learning from labels, are off: so a step draws nothing, and a run does not depend on those trained beside it.
    """

    def __init__(self, stage: nn.Module, head: Head, method: Method) -> None:
        super().__init__()
        self.body, self.outputs = nn.Sequential(stage, head.bottleneck), head.outputs
        self.extra_modules = nn.ModuleDict(method.build_extra_modules(self.outputs))
        self._method, self._head = method, [head]  # in a list, it is no second home for the same weights
        method.prepare(self.body, self.outputs)

    def copy_with_new_head(self, method: Method) -> "AdaptationNetwork":
        """A learner with a copy of the stage as it is now, and a fresh head."""
        return AdaptationNetwork(copy.deepcopy(self.body[0]), self._head[0].reinitialised_copy(), method)

    def train(self, mode: bool = True) -> "AdaptationNetwork":
        """Training mode, but for the head's dropouts."""
        super().train(mode)
        for module in self._head[0].bottleneck.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        return self

    def predict(self, inputs: Tensor) -> ModelOutput:
        """What the network makes of inputs (n, ...): features (n, d) and logits (n, K), in float32."""
        features = self.body[0](inputs).float()
        with torch.autocast(features.device.type, enabled=False):
            features = self.body[1](features)
            return ModelOutput(features, self.outputs(features))

    def forward(
        self, progress: float, phase: int, source: Tensor, labels: Tensor, target: Tensor, again: Tensor, guess: Tensor
    ) -> dict[str, Tensor]:
        """The losses of one step, scalars.

        Photographs of the source (n, ...) with their labels (n,), those of the target (m, ...), once more in another
        view, and what the method guessed of them; what a method does not use has no rows or no columns.
        """
        seen, first, second = self._predict_each(source, target, again)
        step = Step(progress, phase, dict(self.extra_modules.items()))
        losses = {}
        with torch.autocast(labels.device.type, enabled=False):  # losses, too, are float32
            if len(labels) and self._method.supervised:
                losses["item"] = nn.functional.cross_entropy(seen.logits, labels)
            return losses | self._method.losses(
                Source(seen.features, seen.logits, labels),
                Target(
                    first.features, first.logits, second if len(again) else None, guess if guess.shape[-1] else None
                ),
                step,
            )

    def _predict_each(self, *batches: Tensor) -> list[ModelOutput]:
        """What the network makes of each batch (n, ...), which it is normalised by; any may have no rows.

        What treats every photograph by itself gets all of them at once: one product reads the weights once, and its
        gradient need not be added to others.
        """
        given = {place: batch for place, batch in enumerate(batches) if len(batch)}
        sizes = [len(batch) for batch in given.values()]
        together = torch.cat(
            [self._forward_batch(self.body[0], place, batch).float() for place, batch in given.items()]
        )
        with torch.autocast(together.device.type, enabled=False):
            for module in self.body[1].children():
                if isinstance(module, _BatchNorm):
                    parts = zip(given, torch.split(together, sizes), strict=True)
                    together = torch.cat([self._forward_batch(module, place, part) for place, part in parts])
                else:
                    together = module(together)
            logits = self.outputs(together)
        apart = map(ModelOutput, torch.split(together, sizes), torch.split(logits, sizes))
        seen = dict(zip(given, apart, strict=True))
        return [seen.get(place, ModelOutput(together[:0], logits[:0])) for place in range(len(batches))]

    def _forward_batch(self, module: nn.Module, place: int, batch: Tensor) -> Tensor:
        """What a module makes of one batch; of the first, which is the source's, its norms remember nothing."""
        with freeze_running_statistics(module, enabled=place == 0 and self._method.uses_target):
            made: Tensor = module(batch)
        return made


@contextmanager
def freeze_running_statistics(module: nn.Module, *, enabled: bool) -> Iterator[None]:
    """Batch norms normalise by what they see, and remember none of it."""
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm)] if enabled else []
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
