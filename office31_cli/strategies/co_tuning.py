"""Co-tuning: the stored last layer is trained too, on the source classes that each item resembles."""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.strategies import base
from office31_cli.strategies.base import StepContext, TrainingStart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from office31_cli.models.network import Network


def category_relationship(p_source: "Tensor", labels: "Tensor", classes: int) -> "Tensor":
    """p(source class | target class), (`classes`, S): the mean of the rows of each class; rows sum to 1.

    The direct approach of You and others 2020, section 3.2, of the stored network's probabilities (n, S) for
    photographs with labels (n,). A class without photographs is related to all source classes alike.
    """
    from torch.nn.functional import one_hot

    members = one_hot(labels, classes).to(p_source.dtype)
    counts = members.sum(0)[:, None]
    return (members.T @ p_source / counts.clamp_min(1)).where(counts > 0, 1 / p_source.shape[1])


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """A copy of the stored last layer keeps the network's knowledge of which classes are alike; it is not stored."""

    paper = "You and others 2020 (NeurIPS), Co-Tuning for Transfer Learning"
    item_only = True
    needs_stored_item = True

    weight: float = hyperparameter(2.3, 0.1, 10.0, "of the second layer's cross-entropy")

    def watched_layers(self, network: "Network") -> "Sequence[nn.Module]":
        """The bottleneck, whose output is the last layer's input."""
        return network.bottlenecks()

    def build_extra_modules(self, start: TrainingStart) -> "dict[str, nn.Module]":
        """The copy of the last layer, and p(source class | item) with a row for each item."""
        import torch
        from torch import nn

        (last,) = start.network.last_layers()
        start.trained_part.eval()
        with torch.no_grad():
            p_source = start.trained_part(start.inputs).softmax(1)
        related = category_relationship(p_source, start.targets[:, 0].long(), p_source.shape[1])
        rows = nn.Embedding(len(related), p_source.shape[1], _weight=related, _freeze=True)
        return {"source": copy.deepcopy(last), "related": rows}

    def losses(self, step: StepContext) -> "dict[str, Tensor]":
        """The copy's cross-entropy against p(source class | item) of each photograph."""
        from torch.nn.functional import cross_entropy

        (features,) = step.feature_maps
        related = step.extra_modules["related"](step.targets[:, 0].long())
        return {"source classes": self.weight * cross_entropy(step.extra_modules["source"](features), related)}
