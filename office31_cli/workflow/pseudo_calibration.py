"""A calibration for a camera without labels, from its pictures mixed in pairs (Hu and others 2024, arXiv:2307.07489).

A picture that is mixed with another is as hard to classify as one that the network gets wrong. Its pseudo-label is what
the network predicts for the stronger of the two.
"""

import numpy as np
import torch

from office31_cli.data.photographs import IntArray
from office31_cli.engine import inference
from office31_cli.engine.features import compute_frozen_outputs
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.inputs import Examples, FrozenInputs
from office31_cli.models.network import Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.observer import Observer
from office31_cli.outputs.base import FloatArray
from office31_cli.workflow.adapt_training import order_by_content
from office31_cli.workflow.calibration import Calibration
from office31_cli.workflow.domains import Domain


def fit_mixed_calibration(
    network: Network, domain: Domain, preprocessing: Preprocessing, device: torch.device, observer: Observer
) -> Calibration | None:
    """Fit a calibration on a domain without its labels; None where the network predicts one item for all pictures.

    Pairs of which it predicts the same item for both pictures are left out: their mixtures would be too easy.
    """
    photographs = domain.photographs
    partners = _choose_partners(order_by_content(photographs))
    plain, mixed = (_predict_items(network, domain, preprocessing, device, observer, each) for each in (None, partners))
    predicted = plain.argmax(1)
    unlike = predicted != predicted[partners]
    if not unlike.any():
        return None
    return Calibration.fit(
        mixed[unlike],
        predicted[unlike],
        [digest for digest, kept in zip(photographs.digests, unlike, strict=True) if kept],
        fitted_on=f"{photographs.domain}, mixed in pairs, without labels",
        labels={},
    )


def _choose_partners(order: IntArray) -> IntArray:
    """For each photograph (n,) the one that follows it in an order of all places; the first follows the last."""
    partners = np.empty_like(order)
    partners[order] = np.roll(order, -1)
    return partners


def _predict_items(
    network: Network,
    domain: Domain,
    preprocessing: Preprocessing,
    device: torch.device,
    observer: Observer,
    partners: IntArray | None,
) -> FloatArray:
    """The items' probabilities (n, K) for the pictures as they are, or mixed with their partners (n,)."""
    split = split_network(network, "head")
    assert split.frozen_part is not None
    features = compute_frozen_outputs(
        split.frozen_part, domain.photographs, domain.pixels, preprocessing, device, observer, partners=partners
    )
    count = len(domain.photographs)
    examples = Examples(np.zeros(count, dtype=np.int64), np.arange(count), np.empty((count, 0)))
    raw = inference.predict(split.trained_part, FrozenInputs([[features]], device), examples, device).double().numpy()
    return network.architecture.outputs.decode_array(raw)["item"]
