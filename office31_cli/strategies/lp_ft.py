"""LP-FT: the last linear layer first, then every layer, so that a fresh head does not distort good features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from office31_cli.hyperparameters import ranged
from office31_cli.strategies import base
from office31_cli.strategies.base import BACKBONE_SCALE, Group, trainable

if TYPE_CHECKING:
    from office31_cli.models.network import Network


@dataclass(frozen=True, kw_only=True)
class Strategy(base.Strategy):
    """Linear probing, then fine-tuning."""

    paper = "Kumar and others 2022, arXiv:2202.10054"

    probing: float = ranged(0.5, 0.1, 0.9, "share of the training for the last layer alone")

    def groups(self, network: "Network") -> list[Group]:
        """The outputs at once; the bottlenecks and the backbones later, these at a tenth of the rate."""
        return [
            Group(trainable(network.backbones), BACKBONE_SCALE, self.probing),
            Group([value for module in network.bottlenecks() for value in trainable(module)], since=self.probing),
            Group([value for module in network.last_layers() for value in trainable(module)]),
        ]
