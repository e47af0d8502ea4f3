"""What the processes of `test_class_balance` do, each with its shard; one alone does the same with the whole."""

import numpy as np
import torch
from torch import Tensor

from office31_cli.engine import device, distributed, process_group
from office31_cli.engine.batches import LabelledBatches
from office31_cli.engine.checkpoints import History
from office31_cli.engine.class_balance import balanced_weights
from office31_cli.engine.tasks import SupervisedTask
from office31_cli.models.network import Head
from office31_cli.observer import SILENT
from office31_cli.outputs.composite import Composite
from office31_cli.strategies.base import ParameterGroup
from tests.helpers.small_outputs import THREE
from tests.helpers.tiny_training import CPU, cached_inputs, examples, random_features, settings

UNEVEN = [0] * 14 + [1] * 7 + [2] * 2
"""Items of 23 examples."""


class SmoothingTask(SupervisedTask):
    """With label smoothing, as a fine-tuning has it."""

    smoothing = 0.0
    outputs: Composite

    def forward(self, progress: float, phase: int, *batch: Tensor) -> dict[str, Tensor]:
        inputs, targets = batch
        return self.outputs.losses(self.network(inputs), targets, self.smoothing, self.item_weights)


def train_unevenly(balance: str, smoothing: float) -> tuple[History, dict[str, np.ndarray]]:
    """Some epochs on features, in batches that cannot be shared equally: the loss curve and the weights."""
    device._cpu_has_bfloat16 = lambda: False  # type: ignore[assignment]
    torch.manual_seed(0)
    network, items = Head(6, 8, 3), np.array(UNEVEN)
    how = settings("nesterov", epochs=3, batch_size=8)
    weights = torch.from_numpy(balanced_weights([items], 3, batch_size=8)).float()
    task = SmoothingTask(network, THREE, item_weights=weights if balance == "balanced" else None)
    task.smoothing = smoothing
    batches = LabelledBatches(
        cached_inputs(random_features(len(items), 6)),
        examples(UNEVEN),
        batch_size=how.batch_size,
        seed=how.seed,
        device=CPU,
        shard=process_group.local_shard(),
        balanced_by=items if balance == "sampler" else None,
    )
    groups = [ParameterGroup(list(network.parameters()))]
    history = distributed.build_training(task, groups, batches, how, CPU).run(SILENT)
    return history, {name: value.detach().clone().numpy() for name, value in network.state_dict().items()}
