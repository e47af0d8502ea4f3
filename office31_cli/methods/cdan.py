"""CDAN: DANN whose discriminator sees features together with predictions."""

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import ModelOutput, Source, Step, Target
from office31_cli.methods.dann import domain_discriminator, domain_logits, domain_loss, gradient_reversal, ramp

if TYPE_CHECKING:
    from torch import Tensor, nn

EXACT = 4096
"""The most columns that the product of features and predictions may have."""
MAPPED = 1024
"""The columns of the random map that stands in for a larger product."""


def multilinear(f: "Tensor", p: "Tensor") -> "Tensor":
    """Every feature times every probability, of (n, d) and (n, K): (n, d K) (Long and others 2018, T with (x))."""
    return (f.unsqueeze(2) * p.unsqueeze(1)).flatten(1)


def random_multilinear(f: "Tensor", p: "Tensor", r_f: "Tensor", r_p: "Tensor") -> "Tensor":
    """(f R_f) * (p R_p) / sqrt(D), of (n, d), (n, K), (d, D) and (K, D): (n, D) (Long and others 2018, T with *).

    With R of independent entries of mean 0 and variance 1 it keeps the product's inner products on average.
    """
    return (f @ r_f) * (p @ r_p) / sqrt(r_f.shape[1])


def entropy_weight(p: "Tensor") -> "Tensor":
    """1 + exp(-H) of each row of probabilities (n, K), over the mean of these: (n,) (Long and others 2018, CDAN+E)."""
    import torch

    # Clamped, because the logarithm of a probability that rounds to 0 has an infinite gradient.
    entropy = -(p * p.clamp_min(torch.finfo(p.dtype).tiny).log()).sum(1)
    weight = 1 + (-entropy).exp()
    return weight / weight.mean()


def random_map(features: int, classes: int) -> "nn.Module":
    """The two fixed matrices of `random_multilinear`, as buffers `features` and `classes`, randomly initialised."""
    import torch

    fixed = torch.nn.Module()
    fixed.register_buffer("features", torch.randn(features, MAPPED))
    fixed.register_buffer("classes", torch.randn(classes, MAPPED))
    return fixed


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Domains are aligned item by item if the discriminator sees the classifier's predictions."""

    paper = "Long and others 2018, arXiv:1705.10667"

    strength: float = hyperparameter(1.0, 0.01, 10.0, "of the reversal when it is ramped up")
    alpha: float = hyperparameter(
        10.0, 1.0, 30.0, "steepness of the ramp over the whole training; 10 is at 0.99 halfway"
    )
    entropy: bool = hyperparameter(True, 0, 1, "whether certain predictions count more")

    def build_extra_modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """The discriminator, and the random map before it where the product would be too wide."""
        columns = outputs.in_features * outputs.out_features
        if columns <= EXACT:
            return {"discriminator": domain_discriminator(columns)}
        return {
            "map": random_map(outputs.in_features, outputs.out_features),
            "discriminator": domain_discriminator(MAPPED),
        }

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The discriminator's loss, reversed for the features and for the weights."""
        strength = self.strength * ramp(step.progress, self.alpha)
        x_s, x_t = (_joined(each, strength, step) for each in (source, target))
        logits = domain_logits(step.extra_modules["discriminator"], x_s, x_t)
        if not self.entropy:
            return {"domain": domain_loss(*logits)}
        # The weights follow from the features, which play against the discriminator: their gradient is reversed too.
        weights = (entropy_weight(gradient_reversal(each.probabilities, strength)) for each in (source, target))
        return {"domain": domain_loss(*logits, *weights)}


def _joined(seen: ModelOutput, strength: float, step: Step) -> "Tensor":
    f, p = gradient_reversal(seen.features, strength), seen.probabilities.detach()
    if "map" not in step.extra_modules:
        return multilinear(f, p)
    fixed = step.extra_modules["map"]
    return random_multilinear(f, p, fixed.get_buffer("features"), fixed.get_buffer("classes"))
