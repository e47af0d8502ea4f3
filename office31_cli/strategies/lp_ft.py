"""LP-FT: the last linear layer first, then every layer, so that a random head does not distort good features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import hyperparameter
from office31_cli.strategies import base
from office31_cli.strategies.base import BACKBONE_SCALE, ParameterGroup, trainable_parameters

if TYPE_CHECKING:
    from office31_cli.models.network import Network


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """Linear probing, then fine-tuning."""

    paper = "Kumar and others 2022, arXiv:2202.10054"

    probing: float = hyperparameter(0.5, 0.1, 0.9, "share of the training for the last layer alone")

    def parameter_groups(self, network: "Network") -> list[ParameterGroup]:
        """The last layers from the start; the bottlenecks and the backbones later, these at a tenth of the rate."""
        return [
            ParameterGroup(trainable_parameters(network.backbones), BACKBONE_SCALE, self.probing),
            ParameterGroup(
                [value for module in network.bottlenecks() for value in trainable_parameters(module)],
                start=self.probing,
            ),
            ParameterGroup([value for module in network.last_layers() for value in trainable_parameters(module)]),
        ]
