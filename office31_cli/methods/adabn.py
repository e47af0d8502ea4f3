"""AdaBN: replace the batch-norm statistics by the target's; trains nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.methods import base

if TYPE_CHECKING:
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm


def batch_norms(body: "nn.Module") -> "Iterator[_BatchNorm]":
    """The batch norms in a module, of 1, 2 or 3 dimensions."""
    from torch.nn.modules.batchnorm import _BatchNorm

    return (module for module in body.modules() if isinstance(module, _BatchNorm))


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """A domain's style is in the mean and variance of its activations, so each domain is normalised by its own.

    It has no losses: the training loop runs the target through the network in training mode and takes no step.
    """

    paper = "Li and others 2016, arXiv:1603.04779"
    source_free = True
    passes = 1
    changes_batch_norms = True

    def prepare(self, body: "nn.Module", outputs: "nn.Linear") -> None:
        """Reset the running statistics; the target's are averaged over all batches with equal weights."""
        for norm in batch_norms(body):
            norm.reset_running_stats()
            norm.momentum = None  # a cumulative average: with the usual 0.1 the last few batches would decide
