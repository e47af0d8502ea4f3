"""DANCE: photographs of the target gather around each other or around items, and are clearly known or clearly not."""

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor, nn


def neighbourhood_entropy(
    f: "Tensor", others: "Tensor", left_out: "Tensor | None" = None, temperature: float = 0.05
) -> "Tensor":
    """The mean entropy, in nats, of a softmax of similarities over the temperature; scalar.

    Of features (n, d) to the rows of `others` (m, d), all of length 1: target features in memory and the items'
    prototypes. `left_out` (n, m) marks those that a feature is not compared with, as its own. Saito and others 2020,
    equations 3 and 4.
    """
    similarity = f @ others.T / temperature
    if left_out is None:
        log_p = similarity.log_softmax(1)
    else:  # there a share of 0 times its logarithm would be no number
        log_p = similarity.masked_fill(left_out, float("-inf")).log_softmax(1).masked_fill(left_out, 0.0)
    return -(log_p.exp() * log_p).sum(1).mean()


def entropy_separation(z: "Tensor", margin: float = 0.5) -> "Tensor":
    """Minus the mean distance of the entropies of softmax(z) from log(K) / 2, where it is above the margin; scalar.

    Logits (n, K). Saito and others 2020, equations 5 and 6: entropies far above or below the threshold move further
    away from it, the others are left alone.
    """
    log_p = z.log_softmax(1)
    distance = (-(log_p.exp() * log_p).sum(1) - log(z.shape[1]) / 2).abs()
    return -((distance > margin) * distance).mean()


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Whatever items the target has: clusters of the target need not be any of the source's items."""

    paper = "Saito and others 2020, arXiv:2002.07953"
    remembers_target = True

    clustering: float = hyperparameter(0.05, 0.0, 1.0, "weight of the neighbourhoods' entropy")
    separation: float = hyperparameter(0.05, 0.0, 1.0, "weight of the entropy separation")
    temperature: float = hyperparameter(0.05, 0.01, 1.0, "of the similarities")
    margin: float = hyperparameter(0.5, 0.0, 2.0, "around log(K) / 2 in which an entropy is left alone")

    def unknown_threshold(self, items: int) -> float:
        """Half of the largest entropy."""
        return log(items) / 2

    def build_extra_modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """The classifier's last layer, whose rows are the items' prototypes."""
        return {"prototypes": outputs}

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The entropy of the neighbourhoods, and the separation of the predictions' entropies."""
        import torch
        import torch.nn.functional as F

        assert target.memory is not None
        rows, remembered = step.extra_modules["prototypes"].weight, target.memory.features
        assert isinstance(rows, torch.Tensor)
        prototypes = F.normalize(rows)
        count = torch.arange(len(remembered), device=remembered.device)
        own = (target.memory.places[:, None] == count) | (remembered == 0).all(1)
        left_out = torch.cat([own, own.new_zeros(len(own), len(prototypes))], 1)
        clustering = neighbourhood_entropy(
            F.normalize(target.features), torch.cat([remembered, prototypes]), left_out, self.temperature
        )
        return {
            "neighbourhoods": self.clustering * clustering,
            "separation": self.separation * entropy_separation(target.logits, self.margin),
        }
