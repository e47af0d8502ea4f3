"""The optimizers by name, all from torch.optim, and the learning rate's course."""

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from office31_cli.engine.settings import Settings
from office31_cli.strategies.base import ParameterGroup

_FUSED = ("cpu", "cuda")
"""Where torch takes an optimizer's step in one pass over the memory: up to four times as fast on a processor."""

_KINDS: dict[str, tuple[Callable[..., Optimizer], dict[str, Any]]] = {
    "sgd": (SGD, {}),
    "momentum": (SGD, {"momentum": 0.9}),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (RMSprop, {}),
    "adam": (Adam, {}),
    "adamw": (AdamW, {}),
}


def build_optimizer(groups: list[ParameterGroup], settings: Settings) -> Optimizer:
    """The optimizer over all groups that have parameters to train."""
    shares = [
        {"params": group.parameters, "scale": group.scale, "lr": settings.lr * group.scale}
        for group in groups
        if group.parameters
    ]
    make, options = _KINDS[settings.optimizer]
    if make is not RMSprop and all(value.device.type in _FUSED for group in groups for value in group.parameters):
        options = {**options, "fused": True}
    return make(shares, lr=settings.lr, weight_decay=settings.weight_decay, **options)


def unfreeze(groups: list[ParameterGroup], progress: float) -> None:
    """Switch `requires_grad` on for the groups whose start has come, and off for the others."""
    for group in groups:
        for parameter in group.parameters:
            parameter.requires_grad_(progress >= group.start)


def set_learning_rate(optimizer: Optimizer, settings: Settings, progress: float) -> None:
    """Half a cosine from the full rate at progress 0 to nothing at 1 (Loshchilov and Hutter 2017), or constant."""
    for group in optimizer.param_groups:
        group["lr"] = settings.lr * group["scale"] * learning_rate_factor(settings, progress)


def learning_rate_factor(settings: Settings, progress: float) -> float:
    """The learning rate as a share of the full one."""
    return 1.0 if settings.schedule == "constant" else 0.5 * (1 + math.cos(math.pi * progress))


def parameter_bytes(optimizer: Optimizer) -> int:
    """The bytes of all parameters that the optimizer changes."""
    return sum(_bytes(parameter) for group in optimizer.param_groups for parameter in group["params"])


def state_bytes(optimizer: Optimizer) -> int:
    """The bytes that the optimizer keeps beside the parameters: moments, and a step counter for each tensor."""
    kept = (value for values in optimizer.state.values() for value in values.values())
    return sum(_bytes(value) for value in kept if isinstance(value, Tensor))


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
