"""Deep CORAL: match the feature covariances of the two domains."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor


def coral(source: "Tensor", target: "Tensor") -> "Tensor":
    """Squared Frobenius distance of the covariances over 4 d^2, of features (n, d) and (m, d).

    The covariances are unbiased, as in equations 1 to 3 of Sun and Saenko 2016. Scalar.
    """
    return (source.T.cov() - target.T.cov()).square().mean() / 4


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Domains whose second moments agree look alike to a linear classifier."""

    paper = "Sun and Saenko 2016, arXiv:1607.01719"

    weight: float = hyperparameter(1.0, 0.01, 1000.0, "of the covariance distance")

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The covariance distance of the features."""
        return {"coral": self.weight * coral(source.features, target.features)}
