"""BSP: DANN that keeps a few directions of the features from carrying all."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import dann
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor


def spectral_penalty(f_s: "Tensor", f_t: "Tensor", k: int = 1) -> "Tensor":
    """The k largest singular values of features (n, d), and of (m, d), squared and summed. Scalar.

    All of them where there are fewer than k (Chen and others 2019).
    """
    from torch.linalg import svdvals

    penalty: Tensor = svdvals(f_s)[:k].square().sum() + svdvals(f_t)[:k].square().sum()
    return penalty


@dataclass(frozen=True, kw_only=True)
class Method(dann.Method):
    """What tells items apart lies in the smaller singular values, which adversarial training starves."""

    paper = "Chen and others 2019, ICML (PMLR 97)"

    weight: float = hyperparameter(2e-4, 1e-5, 1e-2, "of the penalty on the largest singular values")
    k: int = hyperparameter(1, 1, 10, "how many singular values of each domain are penalised")

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The loss of DANN and the spectral penalty of the features."""
        spectral = self.weight * spectral_penalty(source.features, target.features, self.k)
        return {**super().losses(source, target, step), "spectral": spectral}
