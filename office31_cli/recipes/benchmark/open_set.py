"""The scores of a run whose target shows items that its source lacks."""

from math import log

import numpy as np
import torch
from torch import Tensor

from office31_cli.data.photographs import UNKNOWN, UNLABELLED, IntArray
from office31_cli.engine.adaptation_network import AdaptationNetwork
from office31_cli.methods.base import Method, ModelOutput
from office31_cli.metrics import open_set
from office31_cli.metrics.open_set import OpenSetScores, score_open_set
from office31_cli.metrics.unknown import entropy
from office31_cli.outputs.base import FloatArray


def score_unknown(network: AdaptationNetwork, method: Method, target: Tensor, actual: IntArray) -> OpenSetScores:
    """The scores of an adapted network on its target's inputs (n, ...), whose items are `actual` (n,).

    Some of these are `UNKNOWN`; photographs without a label are not scored.
    """
    network.eval()
    with torch.inference_mode():
        output = network.predict(target)
        scores, threshold = measure_unknownness(network, method, output)
    predicted: IntArray = output.logits.argmax(1).cpu().numpy()
    labelled = actual != UNLABELLED
    numbers = np.where(actual == UNKNOWN, open_set.UNKNOWN, actual)
    return score_open_set(predicted[labelled], numbers[labelled], scores[labelled], threshold)


def measure_unknownness(network: AdaptationNetwork, method: Method, output: ModelOutput) -> tuple[FloatArray, float]:
    """The scores of unknownness (n,) of the photographs of an output, and the one above which one is called unknown.

    By the method's heads that say of each item whether it is shown, that of the predicted item (Saito and Saenko 2021);
    without such heads by the entropy, which is compared with log(K) / 2 (Saito and others 2020).
    """
    if method.unknown_score == "known":
        heads: Tensor = network.extra_modules["known"](output.features)
        return -_double(heads.gather(1, output.logits.argmax(1, keepdim=True))[:, 0]), 0.0
    return entropy(_double(output.logits.double().softmax(1))), log(output.logits.shape[1]) / 2


def _double(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.double().cpu().numpy()
    return array
