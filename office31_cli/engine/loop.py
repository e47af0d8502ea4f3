"""The one training loop."""

import math
import time

import numpy as np
import torch
from torch import Tensor, nn

from office31_cli.data.photographs import IntArray
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.device import fast_arithmetic, precision
from office31_cli.engine.draws import generator, order, seed_torch
from office31_cli.engine.inputs import Draws, Examples, Inputs
from office31_cli.engine.optimizers import Group, build_optimizer, set_learning_rate
from office31_cli.engine.settings import Settings
from office31_cli.errors import Failed
from office31_cli.observer import Advance, Observer
from office31_cli.outputs.composite import Composite


class Diverged(Failed):
    """A loss or a weight is no longer finite."""


class Supervised(nn.Module):
    """The task of learning from labels: a batch with its targets to named losses, whose sum is minimised."""

    def __init__(self, network: nn.Module, outputs: Composite) -> None:
        super().__init__()
        self.network, self.outputs = network, outputs

    def forward(self, batch: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The weighted loss of each output against its column of the targets (n, outputs)."""
        return self.outputs.losses(self.network(batch), targets)


class Training:
    """Minimises the sum of a task's losses over examples.

    Every random choice is derived from the seed and the position in the run, so that one which was
    interrupted and goes on from its last epoch ends with the same bits.
    """

    def __init__(
        self,
        task: nn.Module,
        groups: list[Group],
        inputs: Inputs,
        examples: Examples,
        settings: Settings,
        device: torch.device,
    ) -> None:
        self.task = task.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._inputs, self._examples, self._settings, self._device = inputs, examples, settings, device
        self.optimizer = build_optimizer(groups, settings)
        self.steps, self.seconds_optimizing = 0, 0.0
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision(device) == torch.float16)

    def run(self, observer: Observer, checkpoints: Checkpoints | None = None, *, resume: bool = False) -> History:
        """Train to the end, keeping a checkpoint of every epoch if there is where to; returns each epoch's mean losses.

        Raises `Diverged` where a loss or a weight is not finite; the checkpoints of the epochs before stay.
        """
        if len(self._examples) < 2:
            raise Failed("training", "batch norm cannot learn from a single photograph", "give two or more")
        history = checkpoints.restore(self.task, self.optimizer) if checkpoints else []
        if resume and not history:
            observer.warn("no checkpoint of this very run is kept: it begins at the first epoch")
        if history:
            observer.say(f"going on after epoch {len(history)} of {self._settings.epochs}")
        count, epochs = len(self._examples), self._settings.epochs
        with observer.track("training", epochs * count, len(history) * count) as advance:
            for epoch in range(len(history), epochs):
                history.append(self._epoch(epoch, advance))
                _check_weights(self.task, f"epoch {epoch + 1}")
                if checkpoints:
                    checkpoints.save(history, self.task, self.optimizer)
        return history

    def _epoch(self, epoch: int, advance: Advance) -> dict[str, float]:
        _train_mode(self.task)
        seed, count = self._settings.seed, len(self._examples)
        draws = generator("draws", seed, epoch).random((count, 5))
        steps = _batches(order(seed, epoch, count), self._settings.batch_size)
        sums: dict[str, float] = {}
        for step, places in enumerate(steps):
            set_learning_rate(self.optimizer, self._settings, (epoch + step / len(steps)) / self._settings.epochs)
            seed_torch("step", seed, epoch, step)
            losses = self.step(self._examples.take(places), draws[places], f"epoch {epoch + 1}, step {step + 1}")
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss * len(places)
            advance(len(places))
        return {name: value / count for name, value in sums.items()}

    def step(self, batch: Examples, draws: Draws, where: str) -> dict[str, float]:
        """One step of the optimizer; returns the losses before it."""
        targets = torch.from_numpy(batch.targets).to(self._device, torch.float32, non_blocking=True)
        with fast_arithmetic(self._device):
            losses: dict[str, Tensor] = self.task(self._inputs.training(batch, draws), targets)
        values = {name: loss.item() for name, loss in losses.items()}
        _check_finite(values, where)
        self.optimizer.zero_grad()
        self._scaler.scale(torch.stack(list(losses.values())).sum()).backward()  # type: ignore[no-untyped-call]
        began = time.perf_counter()
        self._scaler.step(self.optimizer)
        self.seconds_optimizing += time.perf_counter() - began
        self._scaler.update()
        self.steps += 1
        return values


def predict(network: nn.Module, inputs: Inputs, examples: Examples, device: torch.device) -> Tensor:
    """What the network answers, (n, width), to the examples, on the CPU, in float32."""
    network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    with torch.inference_mode(), fast_arithmetic(device):
        parts = [
            network(inputs.evaluation(examples.take(places))).cpu() for places in _batches(np.arange(len(examples)), 64)
        ]
    return torch.cat(parts)


def _batches(places: IntArray, size: int) -> list[IntArray]:
    """Batches of nearly equal size, none above `size`: no last one of a single row, which batch norm cannot take.

    An odd number of rows in pairs has one batch of three.
    """
    return np.array_split(places, max(1, min(math.ceil(len(places) / size), len(places) // 2)))


def _train_mode(task: nn.Module) -> None:
    """Training mode, but for modules all of whose parameters are frozen: their statistics stay as they are."""
    task.train()
    for module in task.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def _check_finite(losses: dict[str, float], where: str) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise Diverged(f"training, {where}", f"the {name} loss is {value}", "try a smaller --lr")


def _check_weights(task: nn.Module, where: str) -> None:
    """The last step's effect shows in no loss."""
    for name, value in task.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise Diverged(f"training, {where}", f"{name} is no longer finite", "try a smaller --lr")
