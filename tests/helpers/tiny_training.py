"""Trainings that take milliseconds: a few random rows, tiny networks, one CPU."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from office31_cli.data.cache import CachedArray, content_key, open_cache
from office31_cli.engine.batches import LabelledBatches
from office31_cli.engine.checkpoints import Checkpoints, History
from office31_cli.engine.inputs import Examples, FrozenInputs, Inputs, PixelInputs
from office31_cli.engine.loop import Training
from office31_cli.engine.settings import Settings
from office31_cli.engine.tasks import SupervisedTask, Task
from office31_cli.engine.training_state import TrainingState
from office31_cli.models.network import Architecture, Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.observer import SILENT, Observer, SilentObserver
from office31_cli.strategies.base import ParameterGroup
from tests.helpers.small_outputs import THREE

CPU = torch.device("cpu")


@dataclass
class RecordingObserver(SilentObserver):
    """Keeps what was said and warned of."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)

    def say(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.warned.append(message)


class InterruptedCheckpoints(Checkpoints):
    """Ctrl-C just after the second epoch's checkpoint."""

    def save(self, history: History, state: TrainingState) -> None:
        super().save(history, state)
        if len(history) == 2:
            raise KeyboardInterrupt


def cache_array(array: npt.NDArray[np.generic]) -> CachedArray:
    """The array as the cache holds it."""
    key = content_key(test=array.tobytes().hex()[:4096], shape=array.shape)
    return open_cache("test", key, array.shape, array.dtype, lambda first, last: array[first:last], label="")


def random_features(count: int, width: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((count, width)).astype(np.float32)


ITEMS = [0, 1, 2] * 3 + [0]


def convolutional_network() -> Network:
    """With batch norm in the backbone, and batch norm and dropout in the head."""
    torch.manual_seed(0)
    return Network(Architecture(backbone="convnet", bottleneck=8, outputs=THREE, crop=16))


def photograph_inputs() -> Inputs:
    pixels = np.random.default_rng(0).integers(0, 256, (len(ITEMS), 18, 18, 3), dtype=np.uint8)
    return PixelInputs([cache_array(pixels)], Preprocessing(side=18, crop=16), CPU)


def examples(items: Iterable[int]) -> Examples:
    """One domain's rows in their order."""
    items = np.array(list(items), dtype=np.int64)
    return Examples(domains=np.zeros_like(items), rows=np.arange(len(items)), targets=items[:, None].astype(np.float64))


def settings(optimizer: str = "sgd", *, lr: float = 0.05, epochs: int = 3, batch_size: int = 4) -> Settings:
    return Settings(epochs=epochs, batch_size=batch_size, optimizer=optimizer, lr=lr, seed=1)


def train(
    network: nn.Module,
    inputs: Inputs,
    learnt: Examples,
    how: Settings,
    *,
    checkpoints: Checkpoints | None = None,
    observer: Observer = SILENT,
    resume: bool = False,
    task: Task | None = None,
) -> History:
    task = task or SupervisedTask(network, THREE)
    batches = LabelledBatches(inputs, learnt, batch_size=how.batch_size, seed=how.seed, device=CPU)
    training = Training(task, [ParameterGroup(list(network.parameters()))], batches, how, CPU)
    return training.run(observer, checkpoints or Checkpoints({"run": "tiny"}), resume=resume)


def cached_inputs(array: npt.NDArray[np.generic]) -> FrozenInputs:
    return FrozenInputs([[cache_array(array)]], CPU)
