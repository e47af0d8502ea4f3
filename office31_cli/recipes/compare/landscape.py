"""Optimizers on a curve of one number, with a shallow minimum on the way to a deep one."""

import torch
from torch import Tensor, nn

from office31_cli.engine.optimizers import build_optimizer
from office31_cli.engine.settings import Settings
from office31_cli.recipes.compare.results import Descent
from office31_cli.strategies.base import ParameterGroup

START, STEPS = -2.0, 300

SHALLOW, DEEP, WIDTH = -0.15, 2.21, 0.3
"""Where the minima lie, and how near to one counts as in it."""


def height(x: Tensor) -> Tensor:
    """The curve: a wide bowl around 3 with a shallow dent at -0.2 and a deep one at 2.2."""
    dents = 0.8 * torch.exp(-(((x + 0.2) / 0.4) ** 2)) + 1.6 * torch.exp(-(((x - 2.2) / 0.6) ** 2))
    return 0.08 * (x - 3) ** 2 - dents


def descend(optimizer: str, rate: float) -> Descent:
    """Let torch's optimizer descend the curve from `START`, in `STEPS` steps of constant rate, in float64."""
    place = nn.Parameter(torch.tensor(START, dtype=torch.float64))
    settings = Settings(epochs=1, batch_size=1, optimizer=optimizer, lr=rate, seed=0, weight_decay=0.0)
    descending = build_optimizer([ParameterGroup([place])], settings)
    path = [START]
    for _ in range(STEPS):
        descending.zero_grad()
        height(place).backward()  # type: ignore[no-untyped-call]
        descending.step()
        path.append(float(place.detach()))
    return Descent(
        optimizer=optimizer, lr=rate, minimum=_find_minimum(path[-1]), path=path, loss=float(height(place).detach())
    )


def _find_minimum(end: float) -> str:
    near = {"shallow": abs(end - SHALLOW), "deep": abs(end - DEEP)}
    name = min(near, key=near.__getitem__)
    return name if near[name] < WIDTH else "none"


def sample_curve() -> list[tuple[float, float]]:
    """Points of the curve from a little left of the start to a little right of the deep minimum."""
    places = torch.linspace(-2.2, 3.6, 581, dtype=torch.float64)
    return list(zip(places.tolist(), height(places).tolist(), strict=True))
