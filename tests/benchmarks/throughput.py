"""Images a second of training from pixels: ours, or the plain loop that a user would write.

    python throughput.py {ours,plain} BACKBONE DATA_FOLDER STEPS

Each runs in a process of its own, as ours changes how the process allocates memory. Prints one number.
"""

import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

BATCH = 32


def plain(backbone: str, folder: Path, steps: int) -> float:
    """JPEG decoding in a DataLoader with two workers, default memory format, as in every tutorial."""
    import torchvision
    from torch.utils.data import DataLoader
    from torchvision import transforms

    augment = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    photographs = torchvision.datasets.ImageFolder(str(folder), augment)
    network = torchvision.models.get_model(backbone, num_classes=31).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9, nesterov=True)
    batches = iter(DataLoader(photographs, BATCH, shuffle=True, num_workers=2))

    def step() -> None:
        images, items = next(batches)
        loss = nn.functional.cross_entropy(network(images), items)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return _rate(step, steps)


def ours(backbone: str, folder: Path, steps: int) -> float:
    """What `office31 pretrain --train all` does for each step, photographs decoded beforehand."""
    from office31_cli import allocator
    from office31_cli.data.photographs import Photographs
    from office31_cli.data.pixels import decode_domain
    from office31_cli.engine import loop, tasks
    from office31_cli.engine.batches import LabelledBatches
    from office31_cli.engine.device import choose_device
    from office31_cli.engine.frozen_split import split_network
    from office31_cli.engine.inputs import Examples, PixelInputs
    from office31_cli.engine.settings import Settings
    from office31_cli.models.backbones import build_backbone
    from office31_cli.models.network import BOTTLENECK, Architecture, Network
    from office31_cli.models.preprocessing import Preprocessing
    from office31_cli.outputs.choice import Kind as Choice
    from office31_cli.outputs.composite import Composite
    from office31_cli.strategies.base import ParameterGroup

    allocator.keep_freed_memory()  # as the command line does
    device = choose_device("cpu")
    preprocessing = Preprocessing(side=256, crop=224)
    composite = Composite(((Choice(name="item", labels=tuple(map(str, range(31)))),),))
    network = Network(Architecture(backbone, BOTTLENECK, 224, composite), [build_backbone(backbone, 224)])
    items = sorted(item.name for item in folder.iterdir())
    files = [
        f"{item}/{picture}" for item in items for picture in sorted(each.name for each in (folder / item).iterdir())
    ]
    numbers = [items.index(file.partition("/")[0]) for file in files]
    photographs = Photographs.of("amazon", folder, files, numbers)
    pixels = decode_domain(photographs, preprocessing.side)
    examples = Examples(
        np.zeros(len(photographs), dtype=np.int64), photographs.rows, photographs.items[:, None].astype(float)
    )
    inputs = PixelInputs([pixels], preprocessing, device)
    batches = LabelledBatches(inputs, examples, batch_size=BATCH, seed=0, device=device)
    training = loop.Training(
        tasks.SupervisedTask(split_network(network, "all").trained_part, composite),
        [ParameterGroup(list(network.parameters()))],
        batches,
        Settings(epochs=1, batch_size=BATCH, optimizer="nesterov", lr=0.001, seed=0),
        device,
    )
    positions = itertools.count()

    def step() -> None:
        epoch, place = divmod(next(positions), batches.steps)
        training.step(batches.batch(epoch, place), 0.0, "benchmark")

    return _rate(step, steps)


def _rate(step: Callable[[], None], steps: int) -> float:
    """The rate after a start in which the loader's four batches in stock are used up."""
    for _ in range(4):
        step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return BATCH * steps / (time.perf_counter() - began)


if __name__ == "__main__":
    how, backbone, folder, steps = sys.argv[1:]
    print({"plain": plain, "ours": ours}[how](backbone, Path(folder), int(steps)))
