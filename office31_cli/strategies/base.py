"""What a strategy decides."""

from abc import ABC, abstractmethod

from office31_cli.engine.optimizers import Group
from office31_cli.models.network import Network


class Strategy(ABC):
    """How the parameters that `--train` leaves trainable are trained."""

    @abstractmethod
    def groups(self, network: Network) -> list[Group]:
        """The parameters to train with their learning rates; what else asks for gradients is frozen here."""
