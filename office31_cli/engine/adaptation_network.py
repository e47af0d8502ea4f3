"""The network of an adaptation run: one step's losses from a labelled source and an unlabelled target."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from office31_cli.methods.base import Memory, Method, ModelOutput, Source, Step, Target
from office31_cli.models.network import Head


@dataclass(frozen=True)
class TargetEstimates:
    """What is estimated of the target, as tensors; one without entries stands for none."""

    prior: Tensor
    """(K,), as `Step.prior`."""
    known: Tensor
    """(m,), as `Target.known`."""
    memory: Tensor
    """(N, d), as `Memory.features`."""
    places: Tensor
    """(m,), as `Memory.places`."""


class AdaptationNetwork(nn.Module):
    """The trained part of a network, and the modules that its method trains beside it.

    `stage` maps the frozen part's output to the backbone's features, `head` these to the items' logits. Batch norms
    normalise source and target separately (Li 2016, Chang 2019); their running statistics are the target's. The
    head's dropout, which is tuned for supervised training, is off: a step then draws no random number, and a run does
    not depend on those that are trained beside it.
    """

    def __init__(self, stage: nn.Module, head: Head, method: Method) -> None:
        super().__init__()
        self.body, self.outputs = nn.Sequential(stage, head.bottleneck), head.outputs
        self.extra_modules = nn.ModuleDict(method.build_extra_modules(self.outputs))
        self._method, self._head = method, [head]  # in a list, so that its weights are not registered twice
        method.prepare(self.body, self.outputs)

    def copy_with_new_head(self, method: Method) -> "AdaptationNetwork":
        """Another network with a copy of this one's stage and a randomly initialised head."""
        return AdaptationNetwork(copy.deepcopy(self.body[0]), self._head[0].reinitialised_copy(), method)

    def train(self, mode: bool = True) -> "AdaptationNetwork":
        """Set training mode; the head's dropout stays off."""
        super().train(mode)
        for module in self._head[0].bottleneck.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        return self

    def predict(self, inputs: Tensor) -> ModelOutput:
        """The output for inputs (n, ...): features (n, d) and logits (n, K), in float32."""
        features = self.body[0](inputs).float()
        with torch.autocast(features.device.type, enabled=False):
            features = self.body[1](features)
            return ModelOutput(features, self.outputs(features))

    def forward(
        self,
        progress: float,
        phase: int,
        source: Tensor,
        labels: Tensor,
        target: Tensor,
        strong: Tensor,
        pseudo_labels: Tensor,
        *estimates: Tensor,
    ) -> dict[str, Tensor]:
        """The losses of a step by name, scalars.

        Inputs of the source (n, ...) with their labels (n,), those of the target (m, ...), a strong view of the
        same, and their pseudo-labels; what a method does not use has no rows or no columns. `estimates` are those of
        `TargetEstimates`, if there are any.
        """
        of_source, of_target, of_strong = self._predict_each(source, target, strong)
        estimated = TargetEstimates(*estimates) if estimates else None
        prior = estimated.prior if estimated and estimated.prior.numel() else None
        step = Step(progress, phase, dict(self.extra_modules.items()), prior)
        losses = {}
        with torch.autocast(labels.device.type, enabled=False):  # losses, too, are float32
            if len(labels) and self._method.supervised:
                losses["item"] = weighted_cross_entropy(of_source.logits, labels, prior)
            return losses | self._method.losses(
                Source(of_source.features, of_source.logits, labels),
                Target(
                    of_target.features,
                    of_target.logits,
                    of_strong if len(strong) else None,
                    pseudo_labels if pseudo_labels.shape[-1] else None,
                    estimated.known if estimated and estimated.known.numel() else None,
                    Memory(estimated.memory, estimated.places) if estimated and estimated.memory.numel() else None,
                ),
                step,
            )

    def _predict_each(self, *batches: Tensor) -> list[ModelOutput]:
        """The output for each batch (n, ...), normalised by its own statistics; a batch may have no rows.

        Layers that treat every row by itself get all batches at once: one product reads the weights once, and
        leaves one gradient.
        """
        filled = {place: batch for place, batch in enumerate(batches) if len(batch)}
        sizes = [len(batch) for batch in filled.values()]
        rows = torch.cat([self._forward_batch(self.body[0], place, batch).float() for place, batch in filled.items()])
        with torch.autocast(rows.device.type, enabled=False):
            for module in self.body[1].children():
                if isinstance(module, _BatchNorm):
                    parts = zip(filled, torch.split(rows, sizes), strict=True)
                    rows = torch.cat([self._forward_batch(module, place, part) for place, part in parts])
                else:
                    rows = module(rows)
            logits = self.outputs(rows)
        outputs = map(ModelOutput, torch.split(rows, sizes), torch.split(logits, sizes))
        by_place = dict(zip(filled, outputs, strict=True))
        return [by_place.get(place, ModelOutput(rows[:0], logits[:0])) for place in range(len(batches))]

    def _forward_batch(self, module: nn.Module, place: int, batch: Tensor) -> Tensor:
        """The module's output for one batch; the first, the source's, leaves no trace in running statistics."""
        with freeze_running_statistics(module, enabled=place == 0 and self._method.uses_target):
            output: Tensor = module(batch)
        return output


def weighted_cross_entropy(logits: Tensor, labels: Tensor, prior: Tensor | None) -> Tensor:
    """The mean cross-entropy of logits (n, K) on labels (n,), each photograph weighted by its item's share; scalar.

    The weights are the shares of `prior` (K,) over the largest, so that the source's photographs of items that the
    target lacks count for nothing (PADA, Cao and others 2018, equation 3). Without a prior all weigh the same.
    """
    if prior is None:
        return nn.functional.cross_entropy(logits, labels)
    each = nn.functional.cross_entropy(logits, labels, reduction="none")
    return ((prior / prior.max())[labels] * each).mean()


@contextmanager
def freeze_running_statistics(module: nn.Module, *, enabled: bool) -> Iterator[None]:
    """Batch norms normalise by the batch as before, and leave their running statistics as they are."""
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm)] if enabled else []
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
