"""Photographs a second through SqueezeNet's frozen part, decoded beforehand: ours, or onnxruntime.

    python extraction.py {ours,onnxruntime} WEIGHTS DATA_FOLDER PHOTOGRAPHS

Each runs in a process of its own, and multiplies in what it chooses by itself: ours in bfloat16 where the processor
has it, onnxruntime in float32. Prints one number.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from office31_cli import allocator
from office31_cli.data.cache import CachedArray
from office31_cli.data.photographs import UNLABELLED, Photographs
from office31_cli.data.pixels import decode_domain
from office31_cli.engine.device import choose_device
from office31_cli.models import weights as known
from office31_cli.models.backbones import build_backbone
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.observer import SILENT

BATCH = 16


def ours(network: nn.Module, photographs: Photographs, pixels: CachedArray, preprocessing: Preprocessing) -> float:
    """What every command does before it trains a head, the cache written and synchronised."""
    from office31_cli.engine.features import compute_frozen_outputs

    allocator.keep_freed_memory()  # as the command line does
    device = choose_device("cpu")
    for _ in range(2):  # the first of them to warm up
        began = time.perf_counter()
        made = compute_frozen_outputs(network, photographs, pixels, preprocessing, device, SILENT)
        seconds = time.perf_counter() - began
        shutil.rmtree(made.folder)
    return len(photographs) / seconds


def onnxruntime(
    network: nn.Module, photographs: Photographs, pixels: CachedArray, preprocessing: Preprocessing
) -> float:
    """The same network exported, default session options, batches cut out and scaled by NumPy, results in memory."""
    import onnxruntime as runtime

    shape = (BATCH, 3, preprocessing.crop, preprocessing.crop)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(network, (torch.zeros(shape),), path, input_names=["images"], dynamo=True, verbose=False)
        session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    mean, std = (255 * np.array(each, dtype=np.float32) for each in (preprocessing.mean, preprocessing.std))
    margin = (preprocessing.side - preprocessing.crop) // 2
    middle = slice(margin, margin + preprocessing.crop)
    everything = pixels.all()
    for _ in range(2):
        began = time.perf_counter()
        for first in range(0, len(everything), BATCH):
            images = (everything[first : first + BATCH, middle, middle].astype(np.float32) - mean) / std
            session.run(None, {"images": np.ascontiguousarray(images.transpose(0, 3, 1, 2))})
        seconds = time.perf_counter() - began
    return len(everything) / seconds


def main(how: str, weights: str, folder: Path, count: int) -> float:
    """So many photographs of a domain, in batches of one size."""
    loaded = known.load("squeezenet1_0", weights, SILENT)
    network = build_backbone("squeezenet1_0", loaded.preprocessing.crop, loaded.tensors).eval().requires_grad_(False)
    files = [f"{file.parent.name}/{file.name}" for file in sorted(folder.glob("*/*.jpg"))[: count // BATCH * BATCH]]
    photographs = Photographs.of(folder.name, folder, files, [UNLABELLED] * len(files))
    pixels = decode_domain(photographs, loaded.preprocessing.side)
    measure = {"ours": ours, "onnxruntime": onnxruntime}[how]
    return measure(network, photographs, pixels, loaded.preprocessing)


if __name__ == "__main__":
    how, weights, folder, count = sys.argv[1:]
    print(main(how, weights, Path(folder), int(count)))
