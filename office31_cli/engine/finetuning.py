"""Fine-tuning: the task that the training loop runs, with early stopping and averaged weights."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from office31_cli.engine.device import deterministic_convolutions
from office31_cli.engine.settings import Refinements
from office31_cli.engine.tasks import Measure, SupervisedTask
from office31_cli.history import VALIDATION, measurement_key
from office31_cli.models.network import Network
from office31_cli.outputs.composite import Composite
from office31_cli.strategies.base import (
    StepContext,
    Strategy,
    TrainingStart,
    UnlabelledOutput,
    frozen_copy,
    record_outputs,
)


class FinetuningTask(SupervisedTask):
    """Supervised training with a strategy's losses; `validate` returns the accuracy that early stopping looks at.

    From the epoch `first_full_epoch` on all layers are trained: earlier epochs do not count for `patience`.
    """

    def __init__(
        self,
        network: Network,
        trained: nn.Module,
        outputs: Composite,
        strategy: Strategy,
        start: TrainingStart,
        refinements: Refinements,
        validate: Callable[[nn.Module], float] | None,
        measure: Measure | None = None,
        *,
        epochs: int,
        first_full_epoch: int = 0,
        item_weights: Tensor | None = None,
    ) -> None:
        super().__init__(trained, outputs, measure, item_weights=item_weights)
        with deterministic_convolutions():
            self.extra_modules = nn.ModuleDict(strategy.build_extra_modules(start))
        self._whole, self._strategy, self._refinements, self._validate = [network], strategy, refinements, validate
        decay = refinements.ema
        self.average: AveragedModel | None = None
        if decay is not None:
            follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(trained, multi_avg_fn=follow, use_buffers=True)
        self.best = BestEpoch(trained, epochs, first_full_epoch) if validate else None

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        """The outputs' losses and the strategy's.

        The batch is inputs (n, ...), their targets (n, outputs), and unlabelled inputs (m, ...) if there are any.
        """
        inputs, targets, *rest = batch
        (network,) = self._whole
        with record_outputs(self._strategy.watched_layers(network)) as feature_maps:
            raw_outputs = self.network(inputs)
        losses = self.outputs.losses(
            raw_outputs, targets, self._refinements.label_smoothing, item_weights=self.item_weights
        )
        unlabelled = self._unlabelled(rest[0]) if rest else None
        with torch.autocast(raw_outputs.device.type, enabled=False):
            step = StepContext(
                network,
                self.network,
                inputs,
                feature_maps,
                raw_outputs,
                targets,
                unlabelled,
                dict(self.extra_modules.items()),
            )
            return losses | self._strategy.losses(step)

    def _unlabelled(self, inputs: Tensor) -> UnlabelledOutput:
        (network,) = self._whole
        with record_outputs(network.bottlenecks()) as features:
            raw_outputs = self.network(inputs)
        return UnlabelledOutput(features, raw_outputs)

    def end_step(self) -> None:
        """Update the moving average of the weights."""
        if self.average is not None:
            self.average.update_parameters(self.network)

    def end_epoch(self, epoch: int) -> None:
        """Keep the network if it is the best so far."""
        if self.best is not None and self._validate is not None:
            candidate = self.candidate()
            self.best.offer(epoch, candidate, self._validate(candidate))

    def measurements(self, epoch: int) -> dict[str, float]:
        """As `SupervisedTask.measurements`, and the accuracy that early stopping looks at."""
        stopping = (
            {} if self.best is None else {measurement_key(VALIDATION, "accuracy"): float(self.best.accuracies[epoch])}
        )
        return super().measurements(epoch) | stopping

    def should_stop(self) -> bool:
        """Whether the last `patience` epochs were no better than the best."""
        patience = self._refinements.patience
        return self.best is not None and patience is not None and int(self.best.epochs_without_better) >= patience

    def finish(self) -> None:
        """Take the best epoch's weights, else the moving averages, where there are any."""
        chosen = self.candidate() if self.best is None else self.best.network
        self.network.load_state_dict(chosen.state_dict())

    def candidate(self) -> nn.Module:
        """The network with the moving averages, where there are any."""
        return self.network if self.average is None else self.average.module


class BestEpoch(nn.Module):
    """The network of the best epoch so far and every epoch's accuracy, as buffers that a checkpoint holds."""

    accuracies: Tensor
    epochs_without_better: Tensor

    def __init__(self, network: nn.Module, epochs: int, first_full_epoch: int) -> None:
        super().__init__()
        self.network, self._first_full_epoch = frozen_copy(network), first_full_epoch
        self.register_buffer("accuracies", torch.full((epochs,), -1.0, dtype=torch.float64))
        self.register_buffer("epochs_without_better", torch.tensor(0))

    def offer(self, epoch: int, candidate: nn.Module, accuracy: float) -> None:
        """Keep the candidate if it is better; of two that are equally good the earlier stays."""
        if accuracy > float(self.accuracies.max()):
            self.network.load_state_dict(candidate.state_dict())
            self.epochs_without_better.zero_()
        elif epoch >= self._first_full_epoch:
            self.epochs_without_better += 1
        self.accuracies[epoch] = accuracy
