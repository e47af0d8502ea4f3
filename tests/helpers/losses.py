"""What the tests of the methods share: inputs, a step to give a method, gradients of formulas written in NumPy."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from office31_cli.methods.base import ModelOutput, Source, Step, Target

Array = npt.NDArray[np.float64]
STEP = Step(progress=0.5, phase=0, extra_modules={})
SEEDS = range(3)


def normal(seed: int, *shapes: tuple[int, ...], scale: float = 1.0) -> list[Array]:
    """Independent normal numbers of each shape."""
    draw = np.random.default_rng(seed)
    return [scale * draw.normal(size=shape) for shape in shapes]


def softmax(z: Array) -> Array:
    return np.array([np.exp(row - row.max()) / np.exp(row - row.max()).sum() for row in z])


def value(loss: Callable[..., Tensor], *inputs: Array) -> float:
    return loss(*map(torch.tensor, inputs)).item()


def gradients(loss: Callable[..., Tensor], *inputs: Array) -> list[Array]:
    """By autograd; zeros where none arrives."""
    leaves = [torch.tensor(each, requires_grad=True) for each in inputs]
    found = torch.autograd.grad(loss(*leaves), leaves, allow_unused=True, materialize_grads=True)
    return [each.numpy() for each in found]


def differences(formula: Callable[..., float], *inputs: Array, step: float = 1e-6) -> list[Array]:
    """The gradients of a formula by central differences."""
    found = []
    for place, each in enumerate(inputs):
        gradient = np.zeros_like(each)
        for index in np.ndindex(each.shape):
            up, down = each.copy(), each.copy()
            up[index] += step
            down[index] -= step
            high, low = (formula(*inputs[:place], moved, *inputs[place + 1 :]) for moved in (up, down))
            gradient[index] = (high - low) / (2 * step)
        found.append(gradient)
    return found


def check_gradients(loss: Callable[..., Tensor], formula: Callable[..., float], *inputs: Array) -> None:
    """The loss's gradients are those of a formula, in which what the loss detaches is a constant."""
    for ours, theirs in zip(gradients(loss, *inputs), differences(formula, *inputs), strict=True):
        assert np.abs(theirs).max() > 1e-5
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-8)


def source_and_target(seed: int = 0, n: int = 6, d: int = 4, classes: int = 3) -> tuple[Source, Target]:
    """Random photographs of both domains, the target's with a second view and a guess."""
    torch.manual_seed(seed)
    source = Source(torch.randn(n, d), torch.randn(n, classes), torch.arange(n) % classes)
    again = ModelOutput(torch.randn(n, d), 5 * torch.randn(n, classes))
    guess = torch.arange(n).flip(0) % classes
    return source, Target(torch.randn(n, d), 5 * torch.randn(n, classes), again, guess)
