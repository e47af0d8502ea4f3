"""What a training minimises: a task maps batches to named losses, and hears of epochs and steps."""

from collections.abc import Callable

from torch import Tensor, nn

from office31_cli.errors import Failed
from office31_cli.outputs.composite import Composite

Measure = Callable[[nn.Module], dict[str, float]]
"""Measures a network between epochs; the keys are those of `history.measurement_key`."""


class Diverged(Failed):
    """A loss, a weight or an output is no longer finite."""


class Task(nn.Module):
    """Maps batches to named losses, whose sum is minimised; the modules in it are trained and stored with it."""

    phases = 1
    """Optimizer steps for each batch; `forward` gets the number of each."""

    def begin_epoch(self, epoch: int) -> None:
        """Called before an epoch's first step."""

    def end_epoch(self, epoch: int) -> None:
        """Called after an epoch's last step."""

    def end_step(self) -> None:
        """Called after each optimizer step."""

    def should_stop(self) -> bool:
        """Whether to stop before the last epoch; asked between epochs."""
        return False

    def measurements(self, epoch: int) -> dict[str, float]:
        """What was measured at the end of an epoch, by `history.measurement_key`."""
        return {}

    def finish(self) -> None:
        """Called once, after the last epoch."""

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        """The losses by name: scalars, or (runs,) where several runs are trained together."""
        raise NotImplementedError


class SupervisedTask(Task):
    """Supervised training: inputs (n, ...) and their targets (n, outputs); `item_weights` as in `Composite.losses`."""

    item_weights: Tensor | None

    def __init__(
        self,
        network: nn.Module,
        outputs: Composite,
        measure: Measure | None = None,
        *,
        item_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.network, self.outputs, self._measure = network, outputs, measure
        self.register_buffer("item_weights", item_weights, persistent=False)

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        """The weighted loss of each output against its column of the targets."""
        inputs, targets = batch
        return self.outputs.losses(self.network(inputs), targets, item_weights=self.item_weights)

    def candidate(self) -> nn.Module:
        """The network that would be stored if this epoch were the last."""
        return self.network

    def measurements(self, epoch: int) -> dict[str, float]:
        """What `measure` finds of the candidate."""
        return self._measure(self.candidate()) if self._measure else {}
