"""DAN: match the feature distributions of the two domains by a maximum mean discrepancy with several kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.methods import base
from office31_cli.methods.base import Source, Step, Target

if TYPE_CHECKING:
    from torch import Tensor

ALPHAS = tuple(2.0**power for power in range(-3, 2))
"""The kernels' bandwidths as multiples of the mean squared distance."""


def mk_mmd(f_s: "Tensor", f_t: "Tensor", alphas: Sequence[float] = ALPHAS, linear: bool = False) -> "Tensor":
    """Squared maximum mean discrepancy of features (n, d) and (m, d), unbiased; a scalar that may be below 0.

    The kernel is the sum over `alphas` of exp(-d2 / (2 alpha mean(d2))). mean(d2), which no gradient goes through,
    is taken over all (n + m)^2 pairs of the joined batch, a row with itself included.

    By default all pairs of different rows (U-statistic; equation 3 of Gretton and others 2012), else disjoint
    quadruples of two rows a domain (section 3.2 of Long and others 2015), whose cost is linear in n: an odd last
    row is left out. Raises ValueError for fewer than two rows a domain and, if linear, for n != m.
    """
    import torch

    joined = torch.cat([f_s, f_t])
    bandwidth = mean_squared_distance(joined)
    if not linear:
        return unbiased_mmd(gaussian_kernels(squared_distances(joined), bandwidth, alphas), len(f_s))

    if len(f_s) != len(f_t) or len(f_s) < 2:
        raise ValueError(f"the quadruples need as many rows of each domain, at least 2: {len(f_s)} and {len(f_t)}")
    even = len(f_s) // 2 * 2
    s, s_next, t, t_next = f_s[:even:2], f_s[1:even:2], f_t[:even:2], f_t[1:even:2]
    alike, alike_t, unlike, unlike_t = (
        gaussian_kernels((one - other).square().sum(1), bandwidth, alphas)
        for one, other in [(s, s_next), (t, t_next), (s, t_next), (s_next, t)]
    )
    return (alike + alike_t - unlike - unlike_t).mean()


def squared_distances(x: "Tensor") -> "Tensor":
    """Between all rows of x (n, d): (n, n)."""
    centred = x - x.detach().mean(0)  # moves nothing apart, and the difference below then loses few digits
    lengths = centred.square().sum(1)
    return (lengths[:, None] + lengths - 2 * centred @ centred.T).clamp(min=0)


def mean_squared_distance(x: "Tensor") -> "Tensor":
    """Of all n^2 pairs of rows of x (n, d), which is twice their total variance. Above 0, and without a gradient."""
    import torch

    return 2 * x.detach().var(0, correction=0).sum().clamp(min=torch.finfo(x.dtype).eps ** 2)


def gaussian_kernels(d2: "Tensor", bandwidth: "Tensor | float", alphas: Sequence[float]) -> "Tensor":
    """Sum over alphas of exp(-d2 / (2 alpha bandwidth)), in the shape of the squared distances d2."""
    import torch

    return torch.stack([(-d2 / (2 * alpha * bandwidth)).exp() for alpha in alphas]).sum(0)


def unbiased_mmd(kernel: "Tensor", n: int) -> "Tensor":
    """Squared maximum mean discrepancy of the first n and the other m rows, of their kernel (n + m, n + m).

    Raises ValueError where a domain has fewer than two rows.
    """
    if min(n, len(kernel) - n) < 2:
        raise ValueError(f"the U-statistic needs two rows of each domain: {n} and {len(kernel) - n}")

    def between_rows(own: "Tensor") -> "Tensor":
        return (own.sum() - own.diagonal().sum()) / (len(own) * (len(own) - 1))

    return between_rows(kernel[:n, :n]) + between_rows(kernel[n:, n:]) - 2 * kernel[:n, n:].mean()


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Domains whose features agree in the mean of every kernel agree in distribution."""

    paper = "Long and others 2015, arXiv:1502.02791"

    weight: float = hyperparameter(1.0, 0.01, 100.0, "of the discrepancy")
    linear: bool = hyperparameter(False, 0, 1, "estimate it in linear time, from as many photographs of each domain")

    def losses(self, source: Source, target: Target, step: Step) -> "dict[str, Tensor]":
        """The discrepancy of the features."""
        rows = min(len(source.features), len(target.features)) if self.linear else None
        return {"mmd": self.weight * mk_mmd(source.features[:rows], target.features[:rows], linear=self.linear)}
