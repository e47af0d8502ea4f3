"""How long training and inference take on this machine, measured on a few steps."""

import time
from collections.abc import Callable

import torch

from office31_cli.engine.device import autocast
from office31_cli.engine.frozen_split import split_network
from office31_cli.models.network import Network

FEW, _MORE = 4, 24
"""Steps of the two short trainings, whose difference is what a step takes."""

_IMAGES = 16
"""Photographs in two passes through the frozen part, of which the second one is timed."""


def extrapolate_seconds(timed: Callable[[int], float], epochs: int, steps: int) -> float:
    """Seconds of so many epochs of so many steps, from what `timed` takes for one epoch of few steps."""
    few, more = timed(FEW), timed(_MORE)
    step = max(0.0, (more - few) / (_MORE - FEW))
    return epochs * (max(0.0, few - FEW * step) + steps * step)


def measure_photographs_per_second(network: Network, crop: int, device: torch.device) -> float:
    """Photographs a second through the frozen part."""
    frozen = split_network(network, "head").frozen_part
    assert frozen is not None
    frozen.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(_IMAGES, 3, crop, crop, device=device).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), autocast(device):
        frozen(images)
        began = time.perf_counter()
        frozen(images).sum().item()
    return _IMAGES / (time.perf_counter() - began)
