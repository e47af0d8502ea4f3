"""What this machine offers: versions, accelerator, cores, room on the disk, and which extras are installed."""

import contextlib
import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from office31_cli import paths
from office31_cli._version import __version__
from office31_cli.processes import cores

EXTRAS = {
    "plots": ("matplotlib", "pictures of what the terminal draws with characters"),
    "ray": ("ray", "benchmark --on ray: jobs on the nodes of a cluster"),
    "timm": ("timm", "backbones beyond torchvision's"),
    "onnx": ("onnx", "networks for other programs"),
    "tensorboard": ("tensorboard", "curves of trainings in a browser"),
    "heif": ("pillow_heif", "photographs in HEIC and AVIF"),
}
"""By extra the module that tells whether it is there, and what it is for."""


@dataclass(frozen=True)
class Extra:
    """An optional library."""

    installed: bool
    purpose: str


@dataclass(frozen=True)
class Machine:
    """What a training on this machine can use."""

    office31: str
    python: str
    torch: str | None
    torchvision: str | None
    """Versions; None where it is not installed."""
    accelerator: str | None
    """Its name; None for the processor alone, or where torch does not work."""
    fault: str | None
    """Why torch does not work, in a line."""
    cores: int
    threads: int | None
    """That torch uses; None where it does not work."""
    home: str
    free_bytes: int
    """On the disk of `home`."""
    cache: str
    cache_bytes: int
    extras: dict[str, Extra]


def inspect_machine() -> Machine:
    """Inspect this machine. Imports torch: whether that works is what matters most."""
    home, cache = paths.data_home(), paths.cache_home()
    accelerator, threads, fault = _torch()
    return Machine(
        office31=__version__,
        python=platform.python_version(),
        torch=_version("torch"),
        torchvision=_version("torchvision"),
        accelerator=accelerator,
        fault=fault,
        cores=cores(),
        threads=threads,
        home=str(home),
        free_bytes=shutil.disk_usage(_nearest_existing(home)).free,
        cache=str(cache),
        cache_bytes=_size(cache),
        extras={name: Extra(find_spec(module) is not None, what) for name, (module, what) in EXTRAS.items()},
    )


def _torch() -> tuple[str | None, int | None, str | None]:
    """The accelerator, the threads, and why there is neither; a torch that fails is a finding and no error."""
    try:
        from office31_cli.engine import device

        return device.accelerator_name(), device.thread_count(), None
    except Exception as error:  # whatever a broken installation raises when it is imported
        return None, None, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _nearest_existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def _size(folder: Path) -> int:
    """Bytes of the files in a folder and below it; those that vanish meanwhile count for nothing."""
    total = 0
    for above, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(above) / name).lstat().st_size
    return total
