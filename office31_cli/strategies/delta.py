"""DELTA: keep the feature maps that matter to the loss near those of the stored network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.strategies import base
from office31_cli.strategies.base import (
    StepContext,
    TrainingStart,
    counterparts,
    frozen_copy,
    last_stages,
    record_outputs,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from office31_cli.models.network import Network


def feature_map_distance(
    maps: "Sequence[Tensor]", start_maps: "Sequence[Tensor]", attention: "Sequence[Tensor]"
) -> "Tensor":
    """0.5 sum over layers, photographs and channels of attention times the squared distance of two maps; scalar.

    Equation 4 of Li and others 2019: for each layer the maps (n, c, ...) of the network and of the stored one, and
    the channels' attention (c,).
    """
    import torch

    each = [
        (weights * (now - before).square().flatten(2).sum(2)).sum()
        if now.dim() > 2
        else (weights * (now - before).square()).sum()
        for now, before, weights in zip(maps, start_maps, attention, strict=True)
    ]
    return 0.5 * torch.stack(each).sum()


def channel_attention(maps: "Tensor", gradients: "Tensor") -> "Tensor":
    """How much each channel of maps (n, c, ...) matters to a loss with these gradients: a softmax (c,).

    The loss's rise without the channel, in the first order (Molchanov and others 2017, arXiv:1611.06440, equation 8),
    for which one pass does; measuring it, as section 3.3 of the paper has it, would take a pass a channel.
    """
    rise = -(gradients * maps).flatten(2).sum(2) if maps.dim() > 2 else -gradients * maps
    return rise.sum(0).softmax(0)


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """The network's feature maps are regularised instead of its weights, most where the labels need them."""

    paper = "Li and others 2019, arXiv:1901.09229"

    weight: float = hyperparameter(0.01, 1e-4, 10.0, "of the distance")

    def watched_layers(self, network: "Network") -> "Sequence[nn.Module]":
        """The last stages, which run only where they are trained, and the bottlenecks."""
        return [*last_stages(network), *network.activations()]

    def build_extra_modules(self, start: TrainingStart) -> "dict[str, nn.Module]":
        """A frozen copy of the trained part, and each layer's attention."""
        from torch import autograd, nn

        frozen = frozen_copy(start.trained_part)
        start.trained_part.eval()
        layers = self.watched_layers(start.network)
        with record_outputs(layers) as maps:
            raw_outputs = start.trained_part(start.inputs)
        loss = start.loss(raw_outputs)
        gradients = autograd.grad(loss, maps)
        pairs = zip(*(_channels_second(each, start.network) for each in (maps, gradients)), strict=True)
        attention = [
            nn.Parameter(channel_attention(made.detach(), gradient), requires_grad=False) for made, gradient in pairs
        ]
        return {"start": frozen, "attention": nn.ParameterList(attention)}

    def losses(self, step: StepContext) -> "dict[str, Tensor]":
        """The distance from the stored network's maps of the same photographs."""
        import torch

        start, attention = step.extra_modules["start"], step.extra_modules["attention"]
        layers = counterparts(self.watched_layers(step.network), step.trained_part, start)
        precision = step.feature_maps[0].dtype  # rounding must not count as distance
        rounded = torch.autocast(step.inputs.device.type, dtype=precision, enabled=precision != torch.float32)
        with torch.no_grad(), rounded, record_outputs(layers) as before:
            start(step.inputs)
        now, then = (_channels_second(maps, step.network) for maps in (step.feature_maps, before))
        return {"feature maps": self.weight * feature_map_distance(now, then, list(attention.parameters()))}


def _channels_second(maps: "Sequence[Tensor]", network: "Network") -> "list[Tensor]":
    """The maps as (n, c, ...): blocks without a convolution, as those of transformers, put channels last."""
    from torch import nn

    modules = (module for stage in last_stages(network) for module in stage.modules())
    if any(isinstance(module, nn.Conv2d) for module in modules):
        return list(maps)
    return [each.movedim(-1, 1) for each in maps]
