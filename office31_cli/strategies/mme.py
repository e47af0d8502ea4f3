"""MME: the head makes predictions on the unlabelled rest uncertain, the features make them certain again."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods.dann import gradient_reversal
from office31_cli.methods.tent import mean_entropy
from office31_cli.strategies import base
from office31_cli.strategies.base import StepContext

if TYPE_CHECKING:
    from torch import Tensor

    from office31_cli.models.network import Architecture


def adversarial_entropy(z: "Tensor") -> "Tensor":
    """Minus the mean entropy, in nats, of the softmax of logits (n, K); scalar.

    Equation 3 of Saito and others 2019. Minimised by a head that is fed with features whose gradient is reversed, it
    spreads the predictions by moving the classes towards the unlabelled photographs, and gathers them by the features.
    """
    return -mean_entropy(z)


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """Minimax entropy, with a cosine head: features of one length, and no biases."""

    paper = "Saito and others 2019, arXiv:1904.06487"
    uses_unlabelled = True
    item_only = True

    weight: float = hyperparameter(0.1, 0.01, 1.0, "of the entropy")

    def architecture(self, before: "Architecture") -> "Architecture":
        """The same network with a cosine head."""
        return replace(before, cosine=True)

    def losses(self, step: StepContext) -> "dict[str, Tensor]":
        """The adversarial entropy of the unlabelled photographs."""
        assert step.unlabelled is not None
        (last,), (features,) = step.network.last_layers(), step.unlabelled.features
        return {"entropy": self.weight * adversarial_entropy(last(gradient_reversal(features, 1.0)))}
