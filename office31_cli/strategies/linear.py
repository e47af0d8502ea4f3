"""The last linear layer alone; bottleneck and backbone stay as they were stored."""

from office31_cli.engine.optimizers import Group, trainable
from office31_cli.models.network import Network
from office31_cli.strategies import base


class Strategy(base.Strategy):
    """Linear probing."""

    def groups(self, network: Network) -> list[Group]:
        """One group: the outputs' parameters."""
        network.requires_grad_(False)
        for head in network.heads:
            head.outputs.requires_grad_(True)
        return [Group(trainable(network.heads))]
