"""Linear: the last linear layer alone; bottleneck and backbone stay as they were stored."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from office31_cli.strategies import base
from office31_cli.strategies.base import ParameterGroup, trainable_parameters

if TYPE_CHECKING:
    from office31_cli.models.network import Network


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """Linear probing."""

    paper = "Alain and Bengio 2016, arXiv:1610.01644"
    train: ClassVar[str | None] = "head"
    losses_are_row_means = True

    def parameter_groups(self, network: "Network") -> list[ParameterGroup]:
        """One group: the outputs' parameters."""
        outputs = [parameter for layer in network.last_layers() for parameter in trainable_parameters(layer)]
        network.requires_grad_(False)
        for parameter in outputs:
            parameter.requires_grad_(True)
        return [ParameterGroup(outputs)]
