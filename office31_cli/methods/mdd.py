"""MDD: features on which no second head can agree with the first on the source and disagree on the target."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target
from office31_cli.methods.dann import gradient_reversal, ramp

if TYPE_CHECKING:
    from torch import Tensor, nn


def margin_disparity(z_s: "Tensor", zadv_s: "Tensor", z_t: "Tensor", zadv_t: "Tensor", margin: float = 4) -> "Tensor":
    """margin CE(z'_s, argmax z_s) - log(1 - p'_t[argmax z_t]), each a mean over its domain. Scalar.

    Logits (n, K) and (m, K), K > 1, of the head and of the adversarial head, which minimises this (Zhang and others
    2019, section 4.2). There is no gradient for the head's own logits.
    """
    y_s, y_t = z_s.argmax(1, keepdim=True), z_t.argmax(1, keepdim=True)
    agreement = -zadv_s.log_softmax(1).gather(1, y_s)
    # 1 - p'[y] is what the other classes share: summed as such, it stays above 0 where p'[y] rounds to 1.
    others = zadv_t.scatter(1, y_t, float("-inf"))
    disagreement = zadv_t.logsumexp(1) - others.logsumexp(1)
    return margin * agreement.mean() + disagreement.mean()


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """The margin disparity between two heads bounds the target's error; the features make it small."""

    paper = "Zhang and others 2019, arXiv:1904.05801"

    margin: float = hyperparameter(4.0, 1.0, 8.0, "weight of agreeing on the source, the exponential of the margin")
    strength: float = hyperparameter(0.1, 0.01, 1.0, "of the reversal when it is ramped up")
    alpha: float = hyperparameter(
        10.0, 1.0, 30.0, "steepness of the ramp over the whole training; 10 is at 0.99 halfway"
    )

    def build_extra_modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """The adversarial head, of the classifier's own shape."""
        from torch import nn

        return {"adversary": nn.Linear(outputs.in_features, outputs.out_features)}

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The adversarial head's loss, reversed for the features."""
        strength = self.strength * ramp(step.progress, self.alpha)
        zadv_s, zadv_t = (
            step.extra_modules["adversary"](gradient_reversal(each.features, strength)) for each in (source, target)
        )
        return {"disparity": margin_disparity(source.logits, zadv_s, target.logits, zadv_t, self.margin)}
