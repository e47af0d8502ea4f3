"""Which device computes, in what precision and with how many threads. Nothing here outlives its context."""

import functools
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from office31_cli import processes
from office31_cli._version import __version__
from office31_cli.errors import Failed, Misuse
from office31_cli.models.catalogue import TIMM

_CPU_BATCH = 16
"""Images at once on a CPU, whose cache holds their activations: larger batches are no faster."""

_GPU_BATCH = 256
"""Images at once on an accelerator, where smaller batches leave most of it idle and larger ones gain little."""

_TENSORS_ALIVE = 8
"""As many tensors of the largest activation's size as a forward pass may hold at once, workspaces included."""


def choose_device(name: str) -> torch.device:
    """The device for `--device`; `auto` takes CUDA, then MPS, then the CPU. Changes no setting of the process.

    Of several processes each gets a CUDA device of its own; MPS cannot be shared. Raises `Failed` where the device is
    missing, `Misuse` where the processes would have to share it.
    """
    if processes.count() > 1:
        name = _device_of_rank(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[device.type]
    if not there or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise Failed(f"device {name}", "this machine has none that torch can use", "use --device cpu")
    return device


def _device_of_rank(name: str) -> str:
    """The device of this process, one of several that train together."""
    if name == "mps" or ":" in name:
        raise Misuse(f"--device {name}", "the processes cannot share one device", "use --device cuda or cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return f"cuda:{processes.local_rank()}" if name == "cuda" else name


def precision(device: torch.device) -> torch.dtype:
    """The dtype of matrix products and convolutions: half precision where the hardware has it, else float32.

    On processors with bfloat16 instructions this doubles the photographs a second of training and of inference.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if device.type == "cpu" and _cpu_has_bfloat16() else torch.float32


@contextmanager
def autocast(device: torch.device) -> Iterator[None]:
    """Matrix products and convolutions in the device's `precision`, convolutions by deterministic algorithms.

    Weights, and whatever torch's autocast leaves alone, stay in float32.
    """
    dtype = precision(device)
    with deterministic_convolutions(), torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
        yield


@contextmanager
def deterministic_convolutions() -> Iterator[None]:
    """cuDNN takes its deterministic algorithms, so that the same run ends with the same bits; then as before.

    Around backward passes as well as forward ones.
    """
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


def largest_batch(device: torch.device) -> int:
    """The most images that go through a frozen network at once."""
    return _CPU_BATCH if device.type == "cpu" else _GPU_BATCH


def inference_batch_size(device: torch.device, activation_bytes: Callable[[], int]) -> int:
    """The number of images that go through a frozen network at once: `largest_batch`, halved until it fits.

    On an accelerator it fits into half of the free memory, where the largest activation of one image takes
    `activation_bytes()`; on a CPU that is not asked for.
    """
    size = largest_batch(device)
    if device.type == "cpu":
        return size
    image, room = _TENSORS_ALIVE * activation_bytes(), free_memory(device) // 2
    while size > 1 and size * image > room:
        size //= 2
    return size


def free_memory(device: torch.device) -> int:
    """Bytes of an accelerator's memory that torch can still allocate, what it holds in reserve included."""
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + reserve


@functools.cache
def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; where it does not, emulation would be slower than float32."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.is_file() else set()
    return bool(flags & {"avx512_bf16", "amx_bf16"})


@contextmanager
def limit_threads(split: str) -> Iterator[None]:
    """One thread for a head on cached features, or on batches of ten raw pictures; else as many as before.

    Such steps are too small to be shared: handing them over costs as much as they do, and several times that where
    the cores have other work. `split` is the name of a `FrozenSplit`, or `raw pixels`.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if split in ("features", "raw pixels") else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def accelerator_name() -> str | None:
    """The name of the GPU that `auto` takes; None where torch can use none."""
    chosen = choose_device("auto")
    if chosen.type == "cpu":
        return None
    return torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type


def thread_count() -> int:
    """The number of threads that torch computes with on the CPU."""
    return torch.get_num_threads()


def describe_environment(device: torch.device, backbone: str = "") -> dict[str, Any]:
    """The versions and the hardware that a result may depend on beside its inputs, as stored in a model's card."""
    source_of_backbone = {"timm": version("timm")} if backbone.startswith(TIMM) else {}
    return {
        "python": platform.python_version(),
        "office31": __version__,
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        **source_of_backbone,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": str(precision(device)).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "platform": sys.platform,
        **_describe_processes(),
    }


def _describe_processes() -> dict[str, Any]:
    if not (dist.is_available() and dist.is_initialized()):
        return {}
    return {"processes": dist.get_world_size(), "backend": dist.get_backend()}
