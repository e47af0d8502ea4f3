"""MCD: two heads that disagree where the target leaves the source, and features that end it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor, nn


def classifier_discrepancy(p1: "Tensor", p2: "Tensor") -> "Tensor":
    """Mean absolute difference of two heads' probabilities (n, K) (Saito and others 2018, section 3.2). Scalar."""
    return (p1 - p2).abs().mean()


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Six steps a batch: all on the source; heads apart on the target; features bring them together, four times."""

    paper = "Saito and others 2018, arXiv:1712.02560"
    supervised = False
    phases = 6

    def build_extra_modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """Both heads: the classifier's last layer, and a randomly initialised one of the same shape."""
        from torch import nn

        return {"first": outputs, "second": nn.Linear(outputs.in_features, outputs.out_features)}

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The paper's step A, then B, then C four times."""
        first, second = step.extra_modules["first"], step.extra_modules["second"]
        if step.phase == 0:
            return _supervised(source.logits, second(source.features), source.labels)
        if step.phase == 1:
            f_s, f_t = source.features.detach(), target.features.detach()
            apart = classifier_discrepancy(first(f_t).softmax(1), second(f_t).softmax(1))
            return {**_supervised(first(f_s), second(f_s), source.labels), "apart": -apart}
        logits = (_with_fixed_weights(head, target.features) for head in (first, second))
        return {"together": classifier_discrepancy(*(z.softmax(1) for z in logits))}


def _supervised(first: "Tensor", second: "Tensor", labels: "Tensor") -> "dict[str, Tensor]":
    from torch.nn.functional import cross_entropy

    return {"first": cross_entropy(first, labels), "second": cross_entropy(second, labels)}


def _with_fixed_weights(head: "nn.Module", features: "Tensor") -> "Tensor":
    from torch.func import functional_call

    weights = {name: weight.detach() for name, weight in head.named_parameters()}
    logits: Tensor = functional_call(head, weights, (features,))
    return logits
