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


def build_predictor(
    network: Network, preprocessing: Preprocessing, device: torch.device, *, with_features: bool = False
) -> Predictor:
    """A predictor that takes centre crops, and computes what the network does with cached features.

    It gives the network's outputs, `with_features` those of `WithFeatures`.
    """
    split = split_network(network, "head")  # where networks side by side have the same backbone, it runs once for all
    assert split.frozen_part is not None
    backbone = split.frozen_part.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    trained = WithFeatures(network, split.trained_part) if with_features else split.trained_part
    head = trained.to(device).eval()

    def predict_pixels(pixels: Pixels) -> FloatArray:
        with torch.inference_mode(), autocast(device):
            images = preprocessing.centre_crop(torch.from_numpy(pixels).to(device, non_blocking=True))
            outputs: FloatArray = head(backbone(images)).cpu().double().numpy()
            return outputs

    return predict_pixels


class WithFeatures(nn.Module):
    """The trained part of a network, whose outputs (n, width) are followed by the features (n, d) of the item.

    These are the inputs of the last layer that predicts it.
    """

    def __init__(self, network: Network, trained: nn.Module) -> None:
        super().__init__()
        groups = network.architecture.outputs.networks
        place = next(place for place, group in enumerate(groups) if any("item" in each.columns for each in group))
        self._trained, self._layer = trained, network.last_layers()[place]

    def forward(self, given: Tensor) -> Tensor:
        """Outputs and features side by side, (n, width + d)."""
        seen: list[Tensor] = []
        hook = self._layer.register_forward_pre_hook(lambda _, arguments: seen.extend(arguments))
        try:
            return torch.cat([self._trained(given), *seen], 1)
        finally:
            hook.remove()


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
