"""What the processes of `test_distributed` do, each with its part; one alone does the same with the whole."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torchvision.ops import StochasticDepth

from office31_cli.engine import device, distributed, process_group
from office31_cli.engine.batches import LabelledBatches
from office31_cli.engine.checkpoints import History
from office31_cli.engine.random_numbers import seed_torch
from office31_cli.engine.tasks import SupervisedTask
from office31_cli.models.network import Architecture, Head, Network
from office31_cli.observer import SILENT
from office31_cli.strategies.base import ParameterGroup
from tests.helpers.small_outputs import THREE
from tests.helpers.tiny_training import CPU, cached_inputs, examples, random_features, settings

Arrays = dict[str, Any]


def numbers(*shape: int, seed: int = 0) -> Tensor:
    """In float64, of mean 3: where the sum of squares alone would lose digits."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape) + 3)


def as_one(rows: int) -> AbstractContextManager[object]:
    """Of one process alone nothing is changed: that is torch itself."""
    part = process_group.local_shard()
    return distributed.GlobalBatchMode(part, rows) if part.count > 1 else nullcontext()


def normalise(shape: tuple[int, ...], options: dict[str, Any]) -> Arrays:
    """Two steps through a batch norm, and evaluation: what comes out, every gradient, what is remembered."""
    norm = (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(shape[1], **options).double()
    with torch.no_grad():
        for seed, value in enumerate(norm.parameters(), 1):
            value.copy_(numbers(shape[1], seed=seed))
    mine = process_group.local_shard().rows(shape[0])
    given, aim = numbers(*shape, seed=3)[mine].requires_grad_(), numbers(*shape, seed=4)[mine]
    for _ in range(2):
        with as_one(shape[0]):
            made = norm(given)
        (made * aim).sin().sum().backward()
    with as_one(shape[0]):
        seen = norm.eval()(given) if norm.track_running_stats else made
    return {
        "rows": {"made": _array(made), "gradient": _array(given.grad), "seen": _array(seen)},
        "summed": {name: _array(value.grad) for name, value in norm.named_parameters()},
        "same": {name: _array(value) for name, value in norm.named_buffers()},
    }


def drop(shape: tuple[int, ...], dtype: torch.dtype, memory: torch.memory_format) -> list[Any]:
    """What layers that drop make of ones, one after the other, and the next number drawn."""
    given = torch.ones(shape, dtype=dtype).contiguous(memory_format=memory)[process_group.local_shard().rows(shape[0])]
    seed_torch("step", 1, 2, 3)
    with as_one(shape[0]):
        layers = nn.Dropout(0.3), nn.Dropout(0.5, inplace=True), StochasticDepth(0.4, "row"), nn.Dropout(0.0)
        made = [_array(layer(given.clone()).float()) for layer in layers]
    return [*made, float(torch.rand(()))]


def step(rows: int) -> Arrays:
    """Of one step through a whole network in float64 every gradient, and what batch norms remember."""
    torch.manual_seed(0)
    network = Network(Architecture(backbone="convnet", bottleneck=8, outputs=THREE, crop=16)).double()
    head = network.heads[0]
    assert isinstance(head, Head)
    head.forward = lambda seen: head.outputs(head.bottleneck(seen))  # type: ignore[method-assign] # not in float32
    part = process_group.local_shard()
    mine = part.rows(rows)
    images, items = numbers(rows, 3, 16, 16)[mine], (torch.arange(rows) % 3)[mine]
    module = DistributedDataParallel(network, forward_sync_buffers=False) if part.count > 1 else network
    seed_torch("step", 1)
    with as_one(rows):
        answers = module(images)
    (nn.functional.cross_entropy(answers, items) * len(items) * part.count / rows).backward()
    gradients = {name: _array(value.grad) for name, value in network.named_parameters()}
    return gradients | {name: _array(value) for name, value in network.named_buffers()}


def learn(count: int, batch_size: int) -> tuple[History, Arrays]:
    """Some epochs on features, in batches that cannot be shared equally: the loss curve and the weights."""
    device._cpu_has_bfloat16 = lambda: False  # type: ignore[assignment]
    torch.manual_seed(0)
    network = Head(6, 8, 3)
    how = settings("nesterov", epochs=4, batch_size=batch_size)
    learnt = examples([number % 3 for number in range(count)])
    batches = LabelledBatches(
        cached_inputs(random_features(count, 6)),
        learnt,
        batch_size=how.batch_size,
        seed=how.seed,
        device=CPU,
        shard=process_group.local_shard(),
    )
    task = SupervisedTask(network, THREE)
    history = distributed.build_training(task, [ParameterGroup(list(network.parameters()))], batches, how, CPU).run(
        SILENT
    )
    return history, {name: _array(value) for name, value in network.state_dict().items()}


def meet() -> list[Any]:
    """Who made what: the first process alone, then each by itself, and what a model's card records."""
    made: list[str] = []

    def make(name: str) -> int:
        made.append(name)
        return process_group.local_shard().index

    found = [process_group.run_on_first(lambda: make("alone")), process_group.run_in_turn(lambda: make("each"))]
    return [found, made, process_group.process_count(), device.describe_environment(CPU).get("backend")]


def _array(value: Tensor | None) -> Any:
    assert value is not None
    return value.detach().clone().numpy()
