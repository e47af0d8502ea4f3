"""The machine: which device computes, and the settings that make it compute fast."""

import ctypes
import functools
import platform
import sys
from collections.abc import Iterator
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

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def choose_device(name: str) -> torch.device:
    """The device for `--device`; `auto` takes CUDA, then MPS, then the CPU. Raises `Failed` where it is not there.

    Of several processes each has a CUDA device of its own; MPS cannot be shared.
    """
    if processes.count() > 1:
        name = _own_device(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[device.type]
    if not there or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise Failed(f"device {name}", "this machine has none that torch can use", "use --device cpu")
    torch.backends.cudnn.deterministic = True
    if device.type == "cpu":
        _keep_pages()
    return device


def _own_device(name: str) -> str:
    """This process's, where several train together."""
    if name == "mps" or ":" in name:
        raise Misuse(f"--device {name}", "the processes cannot share one device", "use --device cuda or cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return f"cuda:{processes.local_rank()}" if name == "cuda" else name


def precision(device: torch.device) -> torch.dtype:
    """What convolutions are multiplied in: half precision where the device has it in hardware, else float32.

    On processors with bfloat16 instructions this doubles the photographs a second of training and of inference.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if device.type == "cpu" and _cpu_has_bfloat16() else torch.float32


@contextmanager
def autocast(device: torch.device) -> Iterator[None]:
    """Matrix products and convolutions in the device's `precision`; weights and the head stay in float32."""
    chosen = precision(device)
    with torch.autocast(device.type, dtype=chosen, enabled=chosen != torch.float32):
        yield


@functools.cache
def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; where it does not, emulation would be slower than float32."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.is_file() else set()
    return bool(flags & {"avx512_bf16", "amx_bf16"})


@contextmanager
def limit_threads(cut: str) -> Iterator[None]:
    """One thread for a head on features, or the textbook's batches of ten: such steps are too small to be shared.

    Handing them over costs as much as they do, and several times that where the cores have other work.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if cut in ("features", "raw pixels") else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def accelerator_name() -> str | None:
    """The name of what computes beside the processor; None where there is nothing that torch can use."""
    chosen = choose_device("auto")
    if chosen.type == "cpu":
        return None
    return torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type


def thread_count() -> int:
    """How many threads torch uses on the processor."""
    return torch.get_num_threads()


def describe_environment(device: torch.device, backbone: str = "") -> dict[str, Any]:
    """What a result may depend on beside its inputs; stored in a model's card."""
    made_by = {"timm": version("timm")} if backbone.startswith(TIMM) else {}
    return {
        "python": platform.python_version(),
        "office31": __version__,
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        **made_by,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": str(precision(device)).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "platform": sys.platform,
        **_processes(),
    }


def _processes() -> dict[str, Any]:
    if not (dist.is_available() and dist.is_initialized()):
        return {}
    return {"processes": dist.get_world_size(), "backend": dist.get_backend()}


def _keep_pages() -> None:
    """Tell glibc to keep freed memory instead of handing every large activation back to the kernel.

    Page faults were over half of the time of a forward pass. A no-op on other C libraries.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(_M_TOP_PAD, 256 << 20)
