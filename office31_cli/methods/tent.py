"""Tent: make predictions certain by the scale and shift of batch norms, in one pass over the target."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.methods import base
from office31_cli.methods.adabn import batch_norms
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor, nn


def mean_entropy(z: "Tensor") -> "Tensor":
    """Mean Shannon entropy in nats of the softmax of logits (n, K): 0 to log K; scalar. Wang and others 2021."""
    log_p = z.log_softmax(1)
    return -(log_p.exp() * log_p).sum(1).mean()


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Confident predictions are more often correct, and so few parameters cannot do much harm."""

    paper = "Wang and others 2021, arXiv:2006.10726"
    source_free = True
    passes = 1
    changes_batch_norms = True

    def prepare(self, body: "nn.Module", outputs: "nn.Linear") -> None:
        """Freeze all but the scale and shift of the batch norms in `body`."""
        body.requires_grad_(False)
        outputs.requires_grad_(False)
        for norm in batch_norms(body):
            norm.requires_grad_(True)

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The entropy of the target's predictions."""
        return {"entropy": mean_entropy(target.logits)}
