"""ERM: train on the source alone; the baseline of every table."""

from dataclasses import dataclass

from office31_cli.methods import base


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Empirical risk minimisation: the source's cross-entropy and nothing else."""

    paper = "Vapnik 1991, NeurIPS"
    uses_target = False
