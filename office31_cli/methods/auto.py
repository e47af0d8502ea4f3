"""Auto: one network distilled from several MCC networks with different initialisations; a recipe of this toolkit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base, mcc
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor


def agreement(z: "Tensor", p: "Tensor") -> "Tensor":
    """Mean cross-entropy of logits (n, K) on probabilities (n, K); scalar (Hinton and others 2015, (2), T = 1)."""
    return -(p * z.log_softmax(1)).sum(1).mean()


@dataclass(frozen=True, kw_only=True)
class Method(mcc.Method):
    """An MCC network's errors depend on its random initialisation; the mean of several depends on it less.

    The teachers' mean prediction is more accurate on the target than nearly any of them alone, and a student trained
    on it, on the source's labels and by MCC keeps that in one network.
    """

    paper = "this toolkit; after Jin and others 2020 (MCC) and Hinton and others 2015 (distillation)"

    teachers: int = hyperparameter(5, 2, 32, "teachers, which are trained first")
    agreed: float = hyperparameter(1.0, 0.0, 10.0, "weight of the cross-entropy on their mean prediction")

    def teacher_methods(self) -> list[base.Method]:
        """MCC networks, with the student's settings."""
        return [mcc.Method(weight=self.weight, temperature=self.temperature)] * self.teachers

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """MCC's loss, and the cross-entropy on the teachers' mean prediction."""
        assert target.pseudo_labels is not None
        confusion = super().losses(source, target, step)
        return {**confusion, "agreement": self.agreed * agreement(target.logits, target.pseudo_labels)}
