"""BSS: shrink the smallest singular values of a batch's features, along which little transfers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.strategies import base
from office31_cli.strategies.base import StepContext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from office31_cli.models.network import Network


def smallest_singular_values(f: "Tensor", k: int = 1) -> "Tensor":
    """The sum of the squares of the `k` smallest of the min(n, d) singular values of features (n, d); scalar.

    Equation 5 of Chen and others 2019.
    """
    import torch

    values: Tensor = torch.linalg.svdvals(f)
    return values[-k:].square().sum()


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """Batch spectral shrinkage: few labels leave the directions of little variance to chance."""

    paper = "Chen and others 2019 (NeurIPS), Catastrophic Forgetting Meets Negative Transfer"

    weight: float = hyperparameter(1e-3, 1e-5, 1e-1, "of the penalty")
    k: int = hyperparameter(1, 1, 16, "singular values to shrink")

    def watched_layers(self, network: "Network") -> "Sequence[nn.Module]":
        """The features after the bottleneck."""
        return network.activations()

    def losses(self, step: StepContext) -> "dict[str, Tensor]":
        """The penalty, of every network's features."""
        import torch

        each = [smallest_singular_values(features, self.k) for features in step.feature_maps]
        return {"singular values": self.weight * torch.stack(each).sum()}
