"""Inference: a network's outputs for examples, and for decoded pictures that are in no cache."""

from collections.abc import Callable, Iterable
from itertools import chain

import torch
from torch import Tensor, nn

from office31_cli.data.pixels import Pixels
from office31_cli.engine.batches import split_evenly
from office31_cli.engine.device import autocast
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.inputs import Examples, Inputs
from office31_cli.models.network import Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.outputs.base import FloatArray

_BATCH_ROWS = 64

Predictor = Callable[[Pixels], FloatArray]
"""Maps decoded pictures (n, side, side, 3) to the network's outputs (n, width)."""


def predict(network: nn.Module, inputs: Inputs, examples: Examples, device: torch.device) -> Tensor:
    """The network's outputs (n, width) for the examples, in float32 on the CPU."""
    network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    batches = (inputs.evaluation_views(examples.take(places)) for places in split_evenly(len(examples), _BATCH_ROWS))
    with torch.inference_mode(), autocast(device):
        return concatenate_batches((network(batch).cpu() for batch in batches), len(examples))


def build_predictor(network: Network, preprocessing: Preprocessing, device: torch.device) -> Predictor:
    """A predictor that takes centre crops, and computes what the network does with cached features."""
    split = split_network(network, "head")  # where networks side by side have the same backbone, it runs once for all
    assert split.frozen_part is not None
    backbone = split.frozen_part.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    head = split.trained_part.to(device).eval()

    def predict_pixels(pixels: Pixels) -> FloatArray:
        with torch.inference_mode(), autocast(device):
            images = preprocessing.centre_crop(torch.from_numpy(pixels).to(device, non_blocking=True))
            outputs: FloatArray = head(backbone(images)).cpu().double().numpy()
            return outputs

    return predict_pixels


def concatenate_batches(batches: Iterable[Tensor], count: int) -> Tensor:
    """The rows of all batches (n, ...), of which there is at least one, as one tensor (count, ...).

    Each is copied as it comes: batches that wait to be concatenated would take as much memory again.
    """
    rest = iter(batches)
    first = next(rest)
    rows = first.new_empty(count, *first.shape[1:])
    start = 0
    for batch in chain([first], rest):
        rows[start : start + len(batch)] = batch
        start += len(batch)
    return rows
