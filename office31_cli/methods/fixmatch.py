"""FixMatch: confident predictions on a weak view of the target are pseudo-labels for a strong view."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor


def confident_agreement(z_weak: "Tensor", z_strong: "Tensor", threshold: float = 0.9) -> "Tensor":
    """Cross-entropy of the strong view's logits (n, K) on the weak view's classes, where those are certain; scalar.

    Equation 4 of Sohn and others 2020: certain is a probability above `threshold`, the mean is over all n, and no
    gradient goes through `z_weak`. Raises ValueError for views of different shapes.
    """
    if z_weak.shape != z_strong.shape:
        raise ValueError(f"views of the same photographs differ: {tuple(z_weak.shape)} and {tuple(z_strong.shape)}")
    certainty, labels = z_weak.detach().softmax(1).max(1)
    cross_entropy = -z_strong.log_softmax(1).gather(1, labels[:, None]).squeeze(1)
    return ((certainty > threshold) * cross_entropy).mean()


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Augmentation does not change the item; few predictions pass the threshold at first, and more later."""

    paper = "Sohn and others 2020, arXiv:2001.07685"
    views = 4

    weight: float = hyperparameter(1.0, 0.01, 10.0, "of the cross-entropy on the strong view")
    threshold: float = hyperparameter(0.9, 0.0, 1.0, "of probability above which the weak view labels the strong one")

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The agreement of `target`, the weak view, with `target.strong_view`, the strong one."""
        assert target.strong_view is not None
        return {
            "agreement": self.weight * confident_agreement(target.logits, target.strong_view.logits, self.threshold)
        }
