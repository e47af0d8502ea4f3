"""Seconds and peak memory of learning from so many photographs' features: cached, condensed, trained on, predicted.

    python growth.py PHOTOGRAPHS

Random features as wide as SqueezeNet's, one epoch of a head, 64 photographs a step. Prints seconds and MiB.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

WIDTH, ITEMS, BATCH = 1512, 31, 64


def main(count: int) -> tuple[float, float]:
    """Each step as the recipes take it, in one process of its own."""
    from office31_cli import allocator
    from office31_cli.data.cache import Rows, open_cache
    from office31_cli.engine.batches import LabelledBatches
    from office31_cli.engine.device import choose_device
    from office31_cli.engine.inference import predict
    from office31_cli.engine.inputs import Examples, FrozenInputs
    from office31_cli.engine.loop import Training
    from office31_cli.engine.settings import Settings
    from office31_cli.engine.tasks import SupervisedTask
    from office31_cli.models.network import Head
    from office31_cli.observer import SILENT
    from office31_cli.outputs.choice import Kind
    from office31_cli.outputs.composite import Composite
    from office31_cli.strategies.base import ParameterGroup, trainable_parameters

    def rows(first: int, last: int) -> Rows:
        spread = 0.99 ** np.arange(WIDTH)
        return (np.random.default_rng(first).standard_normal((last - first, WIDTH)) * spread).astype(np.float32)

    allocator.keep_freed_memory()  # as the command line does
    cpu = choose_device("cpu")
    torch.set_num_threads(1)
    began = time.perf_counter()
    array = open_cache("growth", f"{count:032x}", (count, WIDTH), np.float32, rows, label="")
    inputs = FrozenInputs.with_projection([[array]], [np.arange(count)], cpu)
    items = np.arange(count) % ITEMS
    examples = Examples(np.zeros(count, dtype=np.int64), np.arange(count), items[:, None].astype(np.float64))
    outputs = Composite(((Kind(name="item", labels=tuple(map(str, range(ITEMS)))),),))
    head = Head(inputs.width, 256, ITEMS)
    settings = Settings(epochs=1, batch_size=BATCH, optimizer="nesterov", lr=0.03, seed=0)
    batches = LabelledBatches(inputs, examples, batch_size=BATCH, seed=0, device=cpu)
    Training(SupervisedTask(head, outputs), [ParameterGroup(trainable_parameters(head))], batches, settings, cpu).run(
        SILENT
    )
    predict(head, inputs, examples, cpu)
    return time.perf_counter() - began, peak_memory()


def peak_memory() -> float:
    """MiB that this process has held at once; what `getrusage` tells begins with its parent's."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["OFFICE31_HOME"] = home
        print(*main(int(sys.argv[1])))
