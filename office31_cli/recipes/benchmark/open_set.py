"""The scores of a run whose target shows items that its source lacks."""

from math import log

import numpy as np
from torch import Tensor, nn

from office31_cli.data.photographs import UNKNOWN, UNLABELLED, IntArray
from office31_cli.engine.adaptation_network import AdaptationNetwork
from office31_cli.methods.base import Method, ModelOutput
from office31_cli.metrics import open_set
from office31_cli.metrics.open_set import OpenSetScores, score_open_set
from office31_cli.outputs.base import FloatArray
from office31_cli.workflow.target_estimate import TargetEstimate
from office31_cli.workflow.unknown_detector import KNOWN, Heads, fit_target_detector


def score_unknown(
    network: AdaptationNetwork, method: Method, output: ModelOutput, estimate: TargetEstimate, actual: IntArray
) -> OpenSetScores:
    """The scores of an adapted network by its output for its target, whose items are `actual` (n,).

    Some of these are `UNKNOWN`; photographs without a label are not scored. Photographs are called unknown by the
    detector that `adapt` stores, whose threshold needs no label. Where the method has none of its own and nothing is
    estimated of the target, the threshold is half of the largest entropy (Saito and others 2020).
    """
    heads = _copy_heads(network) if method.unknown_score == KNOWN else None
    probabilities, features = _double(output.logits.double().softmax(1)), _double(output.features)
    own = method.unknown_threshold(probabilities.shape[1])
    detector = fit_target_detector(probabilities, features, estimate.known, heads, "", own)
    scores, threshold = detector.scores(probabilities, features), detector.threshold
    if estimate.known is None and own is None:
        threshold = log(probabilities.shape[1]) / 2
    labelled = actual != UNLABELLED
    numbers = np.where(actual == UNKNOWN, open_set.UNKNOWN, actual)
    return score_open_set(probabilities.argmax(1)[labelled], numbers[labelled], scores[labelled], threshold)


def _copy_heads(network: AdaptationNetwork) -> Heads:
    layer = network.extra_modules[KNOWN]
    assert isinstance(layer, nn.Linear)
    return Heads(weight=_double(layer.weight.detach()), bias=_double(layer.bias.detach()))


def _double(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.double().cpu().numpy()
    return array
