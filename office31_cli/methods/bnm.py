"""BNM: make predictions on the target certain and diverse by a large nuclear norm of the batch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor


def nuclear_norm(p_t: "Tensor", prior: "Tensor | None" = None) -> "Tensor":
    """Minus the sum of the singular values of the predictions (n, K), over min(n, K); scalar.

    Cui and others 2020, section 3, who divide by n instead. It depends on which photographs share a batch, so give
    all rows at once.

    For certain predictions it is smallest where all classes are predicted equally often; with a `prior` (K,), where
    each is predicted as often as the prior says: the columns are scaled by sqrt(K prior) first.
    """
    import torch

    if prior is not None:
        p_t = p_t * (len(prior) * prior).sqrt()
    singular_values: Tensor = torch.linalg.svdvals(p_t)
    return -singular_values.sum() / min(p_t.shape)


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """The nuclear norm bounds both the certainty (Frobenius norm) and the number of classes predicted (rank)."""

    paper = "Cui and others 2020, arXiv:2003.12237"
    guarded = True

    weight: float = hyperparameter(1.0, 0.01, 10.0, "of the nuclear norm")

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """Minus the nuclear norm of the target's predictions."""
        return {"nuclear norm": self.weight * nuclear_norm(target.probabilities, step.prior)}
