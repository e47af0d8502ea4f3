"""DANN: features from which a discriminator cannot tell the domains."""

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor, nn


def gradient_reversal(x: "Tensor", strength: float) -> "Tensor":
    """`x` of any shape, whose gradient is multiplied by -`strength` (Ganin and others 2016, section 4.2)."""
    return x.detach() - strength * (x - x.detach())


def ramp(progress: float, alpha: float = 10) -> float:
    """2 / (1 + exp(-alpha progress)) - 1: from 0 at progress 0 to nearly 1 (Ganin and others 2016, section 5.2)."""
    return 2 / (1 + exp(-alpha * progress)) - 1


def domain_discriminator(columns: int, width: int = 1024) -> "nn.Sequential":
    """A randomly initialised network from (n, `columns`) to the logits (n, 1) of the source domain."""
    from torch import nn

    return nn.Sequential(
        nn.Linear(columns, width),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, 1),
    )


def domain_logits(discriminator: "nn.Module", x_s: "Tensor", x_t: "Tensor") -> "tuple[Tensor, Tensor]":
    """The discriminator's logits (n,) and (m,) of rows (n, d) of the source and (m, d) of the target."""
    import torch

    # As one batch: batch norm over each domain by itself would take away what tells them apart.
    logits = discriminator(torch.cat([x_s, x_t])).squeeze(1)
    return logits[: len(x_s)], logits[len(x_s) :]


def domain_loss(
    d_s: "Tensor", d_t: "Tensor", weight_s: "Tensor | None" = None, weight_t: "Tensor | None" = None
) -> "Tensor":
    """0.5 [BCE(d_s, 1) + BCE(d_t, 0)] of logits (n,) and (m,), each a mean over its domain. Scalar.

    Weights (n,) and (m,), with a mean of 1, say how much each row counts.
    """
    from torch.nn.functional import logsigmoid

    loss_s, loss_t = -logsigmoid(d_s), -logsigmoid(-d_t)
    if weight_s is not None:
        loss_s = weight_s * loss_s
    if weight_t is not None:
        loss_t = weight_t * loss_t
    return 0.5 * (loss_s.mean() + loss_t.mean())


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """A discriminator is trained to tell the domains apart; its reversed gradient trains the features to mislead it."""

    paper = "Ganin and others 2016, arXiv:1505.07818"

    strength: float = hyperparameter(1.0, 0.01, 10.0, "of the reversal when it is ramped up")
    alpha: float = hyperparameter(
        10.0, 1.0, 30.0, "steepness of the ramp over the whole training; 10 is at 0.99 halfway"
    )

    def build_extra_modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """The discriminator of the domains, on features."""
        return {"discriminator": domain_discriminator(outputs.in_features)}

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The discriminator's loss, reversed for the features."""
        strength = self.strength * ramp(step.progress, self.alpha)
        f_s, f_t = (gradient_reversal(each.features, strength) for each in (source, target))
        return {"domain": domain_loss(*domain_logits(step.extra_modules["discriminator"], f_s, f_t))}
