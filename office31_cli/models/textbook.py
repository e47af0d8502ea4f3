"""The network of the chapter's textbook: flattened pixels through a few hidden layers."""

from itertools import pairwise

import torch
from torch import Tensor, nn

SIDE = 100
"""Pixels of its photographs, either way."""

INITIAL_STD = 0.03


class TextbookMLP(nn.Module):
    """Pixel values (n, 100, 100, 3) from 0 to 255 to `width` numbers, through hidden layers with ReLU.

    What the chapter leaves unsaid is chosen such that its plain SGD run comes out: pixel values as they are, normally
    distributed weights of standard deviation 0.03, biases of zero. Always in float32.
    """

    def __init__(self, hidden: tuple[int, ...], width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise((3 * SIDE * SIDE, *hidden)):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(hidden[-1], width))
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=INITIAL_STD)
                nn.init.zeros_(layer.bias)

    def forward(self, pixels: Tensor) -> Tensor:
        """The outputs (n, width)."""
        with torch.autocast(pixels.device.type, enabled=False):
            outputs: Tensor = self.layers(pixels)
        return outputs
