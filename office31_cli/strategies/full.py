"""Every layer that --train leaves trainable, the backbone at a tenth of the head's learning rate."""

from office31_cli.engine.optimizers import Group
from office31_cli.models.network import Network
from office31_cli.strategies import base

BACKBONE_SCALE = 0.1
"""Pre-trained layers are nearly right already; the field's usual protocol gives them a tenth."""


class Strategy(base.Strategy):
    """Fine-tuning as most papers mean it."""

    def groups(self, network: Network) -> list[Group]:
        """Two groups: the backbone's parameters, and the heads'."""
        return [Group(base.trainable(network.backbones), BACKBONE_SCALE), Group(base.trainable(network.heads))]
