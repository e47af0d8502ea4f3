"""The optimizers by name, all from torch.optim, and the learning rate's course."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from office31_cli.engine.settings import Settings


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning rate: `scale` times that of the newest layers."""

    parameters: list[nn.Parameter]
    scale: float = 1.0


_KINDS: dict[str, Callable[..., Optimizer]] = {"adam": Adam, "adamw": AdamW}
_SGD: dict[str, dict[str, Any]] = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
}


def build_optimizer(groups: list[Group], settings: Settings) -> Optimizer:
    """The optimizer over all groups that have parameters to train."""
    shares = [
        {"params": group.parameters, "scale": group.scale, "lr": settings.lr * group.scale}
        for group in groups
        if group.parameters
    ]
    if settings.optimizer in _SGD:
        return SGD(shares, lr=settings.lr, weight_decay=settings.weight_decay, **_SGD[settings.optimizer])
    return _KINDS[settings.optimizer](shares, lr=settings.lr, weight_decay=settings.weight_decay)


def set_learning_rate(optimizer: Optimizer, settings: Settings, progress: float) -> None:
    """Half a cosine from the full rate at progress 0 to nothing at 1 (Loshchilov and Hutter 2017)."""
    factor = 0.5 * (1 + math.cos(math.pi * progress))
    for group in optimizer.param_groups:
        group["lr"] = settings.lr * group["scale"] * factor
