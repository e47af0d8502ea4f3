"""The one training loop."""

import math
import time
from collections.abc import Callable, Iterable
from itertools import chain

import torch
from torch import Tensor, nn

from office31_cli.engine.batches import Batch, Batches, split_evenly
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import autocast, deterministic_convolutions, precision
from office31_cli.engine.inputs import Examples, Inputs
from office31_cli.engine.optimizers import build_optimizer, set_learning_rate, unfreeze
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.settings import Settings
from office31_cli.engine.training_state import TrainingState
from office31_cli.errors import Failed
from office31_cli.models.state_dict import not_finite
from office31_cli.observer import Advance, Observer
from office31_cli.outputs.composite import Composite
from office31_cli.strategies.base import ParameterGroup


class Diverged(Failed):
    """A loss or a weight is no longer finite."""


class Task(nn.Module):
    """What is learnt: batches to named losses, whose sum is minimised."""

    phases = 1
    """Steps of the optimizer a batch; `forward` is told which of them it is."""

    def begin_epoch(self, epoch: int) -> None:
        """Called before an epoch's first step."""

    def end_epoch(self, epoch: int) -> None:
        """Called after an epoch's last step."""

    def end_step(self) -> None:
        """Called after a step of the optimizer."""

    def should_stop(self) -> bool:
        """Whether to stop before the last epoch; asked between epochs."""
        return False

    def measurements(self, epoch: int) -> dict[str, float]:
        """What was measured when an epoch had ended, by keys as `history.measured` makes them."""
        return {}

    def finish(self) -> None:
        """Called when the training is over."""

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        """The losses by name, each a scalar, or one for each of the runs that are trained together."""
        raise NotImplementedError


Measure = Callable[[nn.Module], dict[str, float]]
"""What is measured of a network between epochs."""


class SupervisedTask(Task):
    """Learning from labels: inputs (n, ...) with their targets (n, outputs)."""

    def __init__(self, network: nn.Module, outputs: Composite, measure: Measure | None = None) -> None:
        super().__init__()
        self.network, self.outputs, self._measure = network, outputs, measure

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        """The weighted loss of each output against its column of the targets."""
        inputs, targets = batch
        return self.outputs.losses(self.network(inputs), targets)

    def candidate(self) -> nn.Module:
        """The network as it would be kept if this epoch were the last."""
        return self.network

    def measurements(self, epoch: int) -> dict[str, float]:
        """What is to be measured of it."""
        return self._measure(self.candidate()) if self._measure else {}


class Training:
    """Minimises the sum of a task's losses over batches.

    Every random choice is derived from the seed and the position in the run, so that one which was
    interrupted and goes on from its last epoch ends with the same bits.
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
        """Train to the end, keeping a checkpoint of every epoch if there is where to; returns what each came to.

        Raises `Diverged` where a loss or a weight is not finite; the checkpoints of the epochs before stay.
        """
        if self._batches.photographs < 2:
            raise Failed("training", "batch norm cannot learn from a single photograph", "give two or more")
        history = self._restore(checkpoints)
        if resume and not history:
            observer.warn("no checkpoint of this very run is kept: it begins at the first epoch")
        if history:
            observer.say(f"going on after epoch {len(history)} of {self._settings.epochs}")
            observer.epochs(history)
        count, epochs = self._batches.photographs, self._settings.epochs
        before = not_finite(self.task.state_dict())
        with observer.track("training", epochs * count, len(history) * count) as advance:
            for epoch in range(len(history), epochs):
                if self._should_stop():
                    break
                losses = self._epoch(epoch, advance)
                _check_weights(self.task, before, f"epoch {epoch + 1}")
                history.append(losses | self.task.measurements(epoch))
                if checkpoints:
                    checkpoints.save(history, self._state())
                observer.epochs(history)
        self.task.finish()
        return history

    def _restore(self, checkpoints: Checkpoints | None) -> History:
        return checkpoints.restore(self._state()) if checkpoints else []

    def _state(self) -> TrainingState:
        return TrainingState(self.task, self.optimizer, self._scaler)

    def _should_stop(self) -> bool:
        return bool(self.task.should_stop())

    def _epoch(self, epoch: int, advance: Advance) -> dict[str, float]:
        self.task.begin_epoch(epoch)
        unfreeze(self._groups, epoch / self._settings.epochs)
        _train_mode(self.task)
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

    def step(self, batch: Batch, progress: float, where: str) -> dict[str, float]:
        """One batch, with a step of the optimizer in each of the task's phases; returns the losses before them."""
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
        """The losses as numbers, of several runs their mean; raises `Diverged` where one is none."""
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


def predict(network: nn.Module, inputs: Inputs, examples: Examples, device: torch.device) -> Tensor:
    """What the network answers, (n, width), to the examples, on the CPU, in float32."""
    network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    batches = (inputs.evaluation_views(examples.take(places)) for places in split_evenly(len(examples), 64))
    with torch.inference_mode(), autocast(device):
        return concatenate_batches((network(batch).cpu() for batch in batches), len(examples))


def concatenate_batches(parts: Iterable[Tensor], count: int) -> Tensor:
    """The rows of all parts (n, ...), so many together, as they come; there is one part at least.

    Parts that wait to be joined would take as much again, and keep what was freed between them from being used.
    """
    rest = iter(parts)
    first = next(rest)
    together = first.new_empty(count, *first.shape[1:])
    start = 0
    for part in chain([first], rest):
        together[start : start + len(part)] = part
        start += len(part)
    return together


def _train_mode(task: nn.Module) -> None:
    """Training mode, but for modules all of whose parameters are frozen: their statistics stay as they are."""
    task.train()
    for module in task.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def _check_weights(task: nn.Module, before: list[str], where: str) -> None:
    """The last step's effect shows in no loss. What was not finite `before` the training was taken as it is."""
    for name in not_finite(task.state_dict()):
        if name not in before:
            raise Diverged(f"training, {where}", f"{name} is no longer finite", "try a smaller --lr")
