"""JAN: match the joint distribution of features and predictions by a joint maximum mean discrepancy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target
from office31_cli.methods.dan import (
    ALPHAS,
    gaussian_kernels,
    mean_squared_distance,
    squared_distances,
    unbiased_mmd,
)

if TYPE_CHECKING:
    from torch import Tensor

SOFTMAX_WIDTH = 0.92
"""Standard deviation of the kernel of the predictions: exp(-d2 / 1.6928). The authors' code has exp(-d2 / 1.68)."""


def joint_mmd(layers_s: "Sequence[Tensor]", layers_t: "Sequence[Tensor]") -> "Tensor":
    """Squared joint maximum mean discrepancy of layers (n, d_l) and (m, d_l), the softmax last; unbiased, scalar.

    Section 4.1 of Long and others 2017: the kernel is a product over layers. That of the softmax has a fixed
    width, those before it are the sums of kernels of `dan.mk_mmd`; all pairs of different rows count, as there.
    Raises ValueError for fewer than two rows a domain and where the domains differ in their number of layers.
    """
    import torch

    *hidden, softmax = (torch.cat(pair) for pair in zip(layers_s, layers_t, strict=True))
    kernel = gaussian_kernels(squared_distances(softmax), SOFTMAX_WIDTH**2, [1.0])
    for features in hidden:
        kernel = kernel * gaussian_kernels(squared_distances(features), mean_squared_distance(features), ALPHAS)
    return unbiased_mmd(kernel, len(layers_s[0]))


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Features that agree as a whole may still disagree item by item; features and predictions together may not."""

    paper = "Long and others 2017, arXiv:1605.06636"

    weight: float = hyperparameter(1.0, 0.01, 100.0, "of the discrepancy")

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The discrepancy of features and softmax together."""
        layers_s, layers_t = ((seen.features, seen.probabilities) for seen in (source, target))
        return {"joint mmd": self.weight * joint_mmd(layers_s, layers_t)}
