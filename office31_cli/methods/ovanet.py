"""OVANet: beside the classifier, a head for each item that says whether a photograph shows it or something else."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor, nn


def hard_negative(z: "Tensor", labels: "Tensor") -> "Tensor":
    """The mean over photographs of the largest -log(1 - p) of the items that they do not show; scalar.

    p is the logistic function of the heads' logits (n, K), K > 1; `labels` (n,) are the items shown. Equation 2 of
    Saito and Saenko 2021, second term.
    """
    from torch.nn.functional import softplus

    others = z.scatter(1, labels[:, None], float("-inf"))
    return softplus(others.amax(1)).mean()


def one_vs_all(z: "Tensor", labels: "Tensor") -> "Tensor":
    """Half the sum of the mean -log p of the items shown and `hard_negative`; logits (n, K), labels (n,); scalar.

    Saito and Saenko 2021, equation 2. Each photograph trains two heads only: its own item's, and the one that is most
    wrong.
    """
    from torch.nn.functional import softplus

    own = softplus(-z.gather(1, labels[:, None])).mean()
    return 0.5 * (own + hard_negative(z, labels))


def open_set_entropy(z: "Tensor") -> "Tensor":
    """The mean entropy of all heads' decisions on logits (n, K), in nats: 0 to log 2; scalar.

    Saito and Saenko 2021, equation 4.
    """
    from torch.nn.functional import softplus

    return (softplus(z) - z * z.sigmoid()).mean()


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """A photograph is of an unknown item where the head of the item that the classifier predicts says no."""

    paper = "Saito and Saenko 2021, arXiv:2104.03344"
    unknown_score = "known"

    weight: float = hyperparameter(1.0, 0.01, 10.0, "of the heads' loss on the source")
    certain: float = hyperparameter(0.1, 0.0, 1.0, "weight of the heads' entropy on the target")

    def unknown_threshold(self, items: int) -> float:
        """Where the predicted item's own head says no: its logit is negative."""
        return 0.0

    def build_extra_modules(self, outputs: "nn.Linear") -> "dict[str, nn.Module]":
        """The heads, one logit an item: above 0 says that it is shown."""
        from torch import nn

        return {"known": nn.Linear(outputs.in_features, outputs.out_features)}

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The heads' loss on the source, and their entropy on the target."""
        known = step.extra_modules["known"]
        return {
            "one against all": self.weight * one_vs_all(known(source.features), source.labels),
            "heads' entropy": self.certain * open_set_entropy(known(target.features)),
        }
