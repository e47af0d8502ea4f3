"""AFN: let the feature norms of both domains grow, a step at a time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor


def stepwise_norm(f: "Tensor", step: float = 1.0) -> "Tensor":
    """Mean squared distance of the norms of features (n, d) from what they are now plus `step`; scalar.

    The stepwise variant of Xu and others 2019. No gradient goes through what the norms are now, so the value is
    always step^2: only the gradient says something, -2 step / n times the direction of each feature. A feature of
    zeros has no direction and gets none.
    """
    norms: Tensor = f.norm(dim=1)
    return (norms - (norms.detach() + step)).square().mean()


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Target features are shorter than the source's, and longer ones transfer better."""

    paper = "Xu and others 2019, arXiv:1811.07456"

    weight: float = hyperparameter(0.05, 0.001, 1.0, "of the norms' distances, for each domain")
    step: float = hyperparameter(1.0, 0.1, 10.0, "by which a norm is to grow")

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The distances of both domains' norms from the next step."""
        of_source, of_target = (stepwise_norm(seen.features, self.step) for seen in (source, target))
        return {"source norm": self.weight * of_source, "target norm": self.weight * of_target}
