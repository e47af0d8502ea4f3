"""The one training loop."""

import math
import time

import torch
from torch import Tensor, nn

from office31_cli.engine.batches import Batch, Batches
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import autocast, deterministic_convolutions, precision
from office31_cli.engine.optimizers import build_optimizer, set_learning_rate, unfreeze
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.engine.tasks import Diverged, Task
from office31_cli.engine.training_state import TrainingState
from office31_cli.errors import Failed
from office31_cli.models.state_dict import not_finite
from office31_cli.observer import Advance, Observer
from office31_cli.strategies.base import ParameterGroup


class Training:
    """Minimises the sum of a task's losses over batches.

    Every random number is derived from the seed and the position in the run, so that a run that was interrupted and
    is resumed after its last epoch ends with the same bits.
    """

    def __init__(
        self, task: Task, groups: list[ParameterGroup], batches: Batches, settings: Settings, device: torch.device
    ) -> None:
        self.task = task.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._batches, self._settings, self._device = batches, settings, device
        self._groups, self.optimizer = groups, build_optimizer(groups, settings)
        self.steps, self.seconds_optimizing = 0, 0.0
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision(device) == torch.float16)

    def run(self, observer: Observer, checkpoints: Checkpoints | None = None, *, resume: bool = False) -> History:
        """Train to the end, with a checkpoint after each epoch if there are `checkpoints`; returns a row an epoch.

        Raises `Diverged` where a loss or a weight is not finite; the checkpoints of earlier epochs stay.
        """
        if self._batches.photographs < 2:
            raise Failed("training", "batch norm cannot normalise a single photograph", "give two or more")
        history = self._restore(checkpoints)
        if resume and not history:
            observer.warn("no checkpoint of this very run is kept: it begins at the first epoch")
        if history:
            observer.say(f"resuming after epoch {len(history)} of {self._settings.epochs}")
            observer.epochs(history)
        count, epochs = self._batches.photographs, self._settings.epochs
        not_finite_before = not_finite(self.task.state_dict())
        with observer.track("training", epochs * count, len(history) * count) as advance:
            for epoch in range(len(history), epochs):
                if self._should_stop():
                    break
                losses = self._train_epoch(epoch, advance)
                _check_weights(self.task, not_finite_before, f"epoch {epoch + 1}")
                history.append(losses | self.task.measurements(epoch))
                if checkpoints:
                    checkpoints.save(history, self._state())
                observer.epochs(history)
        self.task.finish()
        return history

    def step(self, batch: Batch, progress: float, where: str) -> dict[str, float]:
        """Take an optimizer step for each of the task's phases; returns the losses before them."""
        found: dict[str, float] = {}
        with deterministic_convolutions():
            for phase in range(self.task.phases):
                losses = self._losses(progress, phase, batch, where)
                found |= self._check_losses(losses, where)
                if losses:
                    self._minimise(losses)
                    self.task.end_step()
        self.steps += 1
        return found

    def _restore(self, checkpoints: Checkpoints | None) -> History:
        return checkpoints.restore(self._state()) if checkpoints else []

    def _state(self) -> TrainingState:
        return TrainingState(self.task, self.optimizer, self._scaler)

    def _should_stop(self) -> bool:
        return bool(self.task.should_stop())

    def _train_epoch(self, epoch: int, advance: Advance) -> dict[str, float]:
        """Returns the epoch's mean losses by name."""
        self.task.begin_epoch(epoch)
        unfreeze(self._groups, epoch / self._settings.epochs)
        _set_train_mode(self.task)
        steps = self._batches.steps
        sums: dict[str, float] = {}
        for step in range(steps):
            progress = (epoch + step / steps) / self._settings.epochs
            set_learning_rate(self.optimizer, self._settings, progress)
            seed_torch("step", self._settings.seed, epoch, step)
            batch = self._batches.batch(epoch, step)
            losses = self.step(batch, progress, f"epoch {epoch + 1}, step {step + 1}")
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss * batch.photographs
            advance(batch.photographs)
        self.task.end_epoch(epoch)
        return {name: value / self._batches.photographs for name, value in sums.items()}

    def _losses(self, progress: float, phase: int, batch: Batch, where: str) -> dict[str, Tensor]:
        try:
            with autocast(self._device):
                return self._forward(progress, phase, batch)
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
            # There are no singular values of what is not finite.
            raise Diverged(f"training, {where}", "a loss is no longer finite", "try a smaller --lr") from None

    def _forward(self, progress: float, phase: int, batch: Batch) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = self.task(progress, phase, *batch.tensors)
        return losses

    def _check_losses(self, losses: dict[str, Tensor], where: str) -> dict[str, float]:
        """The losses as numbers, of several runs their mean; raises `Diverged` where one is not finite."""
        names, values = list(losses), [loss.detach().mean() for loss in losses.values()]
        numbers = torch.stack(values).tolist() if values else []  # one wait for the device, however many
        for name, value in zip(names, numbers, strict=True):
            if not math.isfinite(value):
                raise Diverged(f"training, {where}", f"the {name} loss is {value}", "try a smaller --lr")
        return dict(zip(names, numbers, strict=True))

    def _minimise(self, losses: dict[str, Tensor]) -> None:
        self.optimizer.zero_grad()
        total = torch.stack([loss.sum() for loss in losses.values()]).sum()
        self._scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        began = time.perf_counter()
        self._scaler.step(self.optimizer)
        self.seconds_optimizing += time.perf_counter() - began
        self._scaler.update()


def _set_train_mode(task: nn.Module) -> None:
    """Training mode, but for modules all of whose parameters are frozen: their running statistics stay as they are."""
    task.train()
    for module in task.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def _check_weights(task: nn.Module, not_finite_before: list[str], where: str) -> None:
    """Raise `Diverged` for a weight that has become NaN or infinite: no loss shows what the last step did."""
    for name in not_finite(task.state_dict()):
        if name not in not_finite_before:
            raise Diverged(f"training, {where}", f"{name} is no longer finite", "try a smaller --lr")
