"""SHOT: move the target's features to a frozen classifier by certain, diverse predictions and pseudo-labels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import ModelOutput, Source, Step, Target
from office31_cli.methods.tent import mean_entropy

if TYPE_CHECKING:
    from torch import Tensor, nn


_SMALLEST_SHARE = 1e-3
"""Of an item in the prior that predictions are compared with, so that absent items cost something finite."""


def information_maximisation(z: "Tensor", prior: "Tensor | None" = None) -> "Tensor":
    """Mean entropy of the predictions less the entropy of the mean one, of logits (n, K): -log K to 0; scalar.

    Equation 3 of Liang and others 2020; minus the mutual information of photograph and prediction. With a `prior`
    (K,), the mean prediction's divergence from it takes the place of that from equal shares, less log K as there.
    """
    import math

    log_mean = z.log_softmax(1).logsumexp(0) - math.log(len(z))
    if prior is None:
        return mean_entropy(z) + (log_mean.exp() * log_mean).sum()
    expected = prior.clamp(min=_SMALLEST_SHARE)
    expected = expected / expected.sum()
    divergence = (log_mean.exp() * (log_mean - expected.log())).sum()
    return mean_entropy(z) + divergence - math.log(z.shape[1])


def centroid_labels(f: "Tensor", p: "Tensor", rounds: int = 2) -> "Tensor":
    """The class (n,) of the centroid nearest to each feature (n, d) by cosine, after so many rounds of centroids.

    Equations 4 to 6 of Liang and others 2020: the first round's centroids are weighted by the predictions (n, K),
    those of later rounds are means of the features labelled by the round before. A class without any is given to none.
    """
    import torch
    import torch.nn.functional as F

    labels, weights = p.argmax(1), p
    for _ in range(rounds):
        total = weights.sum(0)
        centroids = (weights / total.clamp(min=torch.finfo(p.dtype).tiny)).T @ f
        similarity = f @ F.normalize(centroids).T  # which one is the nearest does not depend on a feature's own length
        labels = similarity.masked_fill(total == 0, -torch.inf).argmax(1)
        weights = F.one_hot(labels, p.shape[1]).to(p)
    return labels


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """The frozen classifier stands for the source: without the source, target features are fitted to it."""

    paper = "Liang and others 2020, arXiv:2002.08546"
    source_free = True
    guarded = True

    weight: float = hyperparameter(0.3, 0.0, 10.0, "of the cross-entropy on pseudo-labels")
    rounds: int = hyperparameter(2, 1, 10, "of centroids that an epoch's pseudo-labels take")

    def prepare(self, body: "nn.Module", outputs: "nn.Linear") -> None:
        """Freeze the last layer."""
        outputs.requires_grad_(False)

    def assign_pseudo_labels(self, source: Source, target: ModelOutput) -> "Tensor":
        """The labels of the nearest centroids."""
        return centroid_labels(target.features, target.probabilities, self.rounds)

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """Information maximisation, and the cross-entropy on this epoch's pseudo-labels."""
        import torch.nn.functional as F

        assert target.pseudo_labels is not None
        pseudo = F.cross_entropy(target.logits, target.pseudo_labels)
        return {
            "information": information_maximisation(target.logits, step.prior),
            "pseudo-labels": self.weight * pseudo,
        }
