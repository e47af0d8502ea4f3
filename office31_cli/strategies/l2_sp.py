"""L2-SP: weight decay towards the stored weights, not towards zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from office31_cli.hyperparameters import hyperparameter
from office31_cli.strategies import base
from office31_cli.strategies.base import StepContext, TrainingStart, frozen_copy

if TYPE_CHECKING:
    from torch import Tensor, nn


def starting_point_penalty(
    weights: "Sequence[Tensor]",
    start: "Sequence[Tensor]",
    head: "Sequence[Tensor]",
    alpha: float = 0.01,
    beta: float = 0.01,
) -> "Tensor":
    """0.5 alpha sum (w - w0)^2 + 0.5 beta sum head^2, over all elements; scalar.

    Equation 4 of Li and others 2018: `weights` and `start` are tensors of the same shapes, `head` those of the layers
    that have no starting point.
    """
    import torch

    moved = [(now - before).square().sum() for now, before in zip(weights, start, strict=True)]
    sizes = [tensor.square().sum() for tensor in head]
    return torch.as_tensor(0.5 * alpha * sum(moved) + 0.5 * beta * sum(sizes))  # either may be empty


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """The stored weights are the best guess before any label is seen, so weights decay towards them, not to zero."""

    paper = "Li and others 2018, arXiv:1802.01483"
    weight_decay: ClassVar[float | None] = 0.0

    alpha: float = hyperparameter(0.01, 1e-4, 1.0, "weight decay towards the stored weights")
    beta: float = hyperparameter(0.01, 1e-4, 1.0, "weight decay of the last layer")

    def build_extra_modules(self, start: TrainingStart) -> "dict[str, nn.Module]":
        """The network as stored."""
        return {"start": frozen_copy(start.network)}

    def losses(self, step: StepContext) -> "dict[str, Tensor]":
        """The penalty over what is trained."""
        start = step.extra_modules["start"]
        head = [value for layer in step.network.last_layers() for value in layer.parameters()]
        last = {id(value) for value in head}
        names = [
            name for name, value in step.network.named_parameters() if value.requires_grad and id(value) not in last
        ]
        weights = [step.network.get_parameter(name) for name in names]
        before = [start.get_parameter(name) for name in names]
        return {"starting point": starting_point_penalty(weights, before, head, self.alpha, self.beta)}
