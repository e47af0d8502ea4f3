"""A network at work on pictures that are in no cache."""

from collections.abc import Callable

import torch

from office31_cli.data.pixels import Pixels
from office31_cli.engine.device import autocast
from office31_cli.engine.frozen_split import split_network
from office31_cli.models.network import Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.outputs.base import FloatArray

Predictor = Callable[[Pixels], FloatArray]
"""Decoded pictures (n, side, side, 3) to what the network answers, (n, width)."""


def build_predictor(network: Network, preprocessing: Preprocessing, device: torch.device) -> Predictor:
    """The network made ready on the device: it answers as it does by way of cached features, from centre crops."""
    split = split_network(network, "head")  # where networks side by side have the same backbone, it runs once for all
    assert split.frozen_part is not None
    backbone = split.frozen_part.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    head = split.trained_part.to(device).eval()

    def answer(pixels: Pixels) -> FloatArray:
        with torch.inference_mode(), autocast(device):
            images = preprocessing.centre(torch.from_numpy(pixels).to(device, non_blocking=True))
            answered: FloatArray = head(backbone(images)).cpu().double().numpy()
            return answered

    return answer
