"""MCC: beside the labels, make predictions on the unlabelled rest confuse as few pairs of items as possible."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods.mcc import class_confusion
from office31_cli.strategies import base
from office31_cli.strategies.base import StepContext

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """The method of `adapt` of that name, with a few labels of the target beside it."""

    paper = "Jin and others 2020, arXiv:1912.03699"
    uses_unlabelled = True
    item_only = True

    weight: float = hyperparameter(1.0, 0.01, 10.0, "of the class confusion")
    temperature: float = hyperparameter(2.5, 0.5, 10.0, "that softens the predictions first")

    def losses(self, step: StepContext) -> "dict[str, Tensor]":
        """The class confusion of the unlabelled photographs."""
        assert step.unlabelled is not None
        return {"confusion": self.weight * class_confusion(step.unlabelled.raw_outputs, self.temperature)}
