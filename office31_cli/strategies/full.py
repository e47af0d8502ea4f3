"""Every layer that --train leaves trainable, the backbone at a tenth of the head's learning rate."""

from office31_cli.engine.optimizers import BACKBONE_SCALE, Group, trainable
from office31_cli.models.network import Network
from office31_cli.strategies import base


class Strategy(base.Strategy):
    """Fine-tuning as most papers mean it."""

    def groups(self, network: Network) -> list[Group]:
        """Two groups: the backbone's parameters, and the heads'."""
        return [Group(trainable(network.backbones), BACKBONE_SCALE), Group(trainable(network.heads))]
