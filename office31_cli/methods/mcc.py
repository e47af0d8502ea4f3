"""MCC: make predictions on the target confuse as few pairs of classes as possible."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-6
"""The least weight of a photograph, so that in a batch of unknown things alone all weigh the same."""


def class_confusion(
    z_t: "Tensor", temperature: float = 2.5, *, prior: "Tensor | None" = None, known: "Tensor | None" = None
) -> "Tensor":
    """How much the logits (n, K) of a batch confuse classes: 0 (not at all) to below 1; scalar.

    Section 3 of Jin and others 2020: C = P^T diag(w) P with rows normalised, P = softmax(z / temperature) and
    weights w proportional to 1 + exp(-entropy) without a gradient; then (sum C - trace C) / K. It depends on which
    photographs share a batch, so give all rows at once.

    Classes whose `prior` (K,) is 0 are absent: their rows are left out, and K is the number of the others. `known` (n,)
    are further weights of the photographs, 0 to 1.
    """
    log_p = (z_t / temperature).log_softmax(1)
    p = log_p.exp()
    entropy = -(p * log_p).sum(1, keepdim=True)
    certain = (1 + (-entropy).exp()).detach()
    if known is not None:
        certain = certain * known[:, None].clamp(min=_LEAST)
    # Row i of P^T diag(w) P sums to sum_b w_b P_bi. Normalised it is thus the mean of P's rows with weights w_b P_bi
    # over their sum: a softmax over the batch, finite for classes that nobody predicts. The scale of w cancels.
    confusion = (log_p + certain.log()).softmax(0).T @ p
    if prior is not None:
        present = (prior > 0).to(p)
        return (present * (confusion.sum(1) - confusion.diagonal())).sum() / present.sum()
    return (confusion.sum() - confusion.diagonal().sum()) / len(confusion)


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """A target photograph that is half mug, half bottle pulls both classes together; certain ones count more."""

    paper = "Jin and others 2020, arXiv:1912.03699"
    guarded = True

    weight: float = hyperparameter(1.0, 0.01, 10.0, "of the class confusion")
    temperature: float = hyperparameter(2.5, 0.5, 10.0, "that softens the predictions first")

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The class confusion of the target."""
        confusion = class_confusion(target.logits, self.temperature, prior=step.prior, known=target.known)
        return {"confusion": self.weight * confusion}
