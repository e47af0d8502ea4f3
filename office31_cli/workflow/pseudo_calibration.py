"""A calibration for a camera without labels, from its pictures mixed in pairs (Hu and others 2024, arXiv:2307.07489).

A picture that another shines through is as hard as an unlike one, and what it shows is known as far as the network is
right: it is taken for labelled with what the network takes the stronger of the two for.
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
    """What mends a network's confidence on a domain of whose labels it knows none.

    None where it takes all pictures for the same item. Pairs of which it takes both for the same are left out: their
    mixtures would be too easy.
    """
    photographs = domain.photographs
    partners = _partners(order_by_content(photographs))
    plain, mixed = (_answered(network, domain, preprocessing, device, observer, each) for each in (None, partners))
    named = plain.argmax(1)
    told = named != named[partners]
    if not told.any():
        return None
    return Calibration.fit(
        mixed[told],
        named[told],
        [digest for digest, kept in zip(photographs.digests, told, strict=True) if kept],
        fitted_on=f"{photographs.domain}, mixed in pairs, without labels",
        labels={},
    )


def _partners(order: IntArray) -> IntArray:
    """For each photograph (n,) the one that comes next in an order of all places, after the last the first."""
    partners = np.empty_like(order)
    partners[order] = np.roll(order, -1)
    return partners


def _answered(
    network: Network,
    domain: Domain,
    preprocessing: Preprocessing,
    device: torch.device,
    observer: Observer,
    partners: IntArray | None,
) -> FloatArray:
    """Of each item (n, K), of the pictures as they are or mixed with their partners (n,)."""
    split = split_network(network, "head")
    assert split.frozen_part is not None
    features = compute_frozen_outputs(
        split.frozen_part, domain.photographs, domain.pixels, preprocessing, device, observer, partners=partners
    )
    count = len(domain.photographs)
    examples = Examples(np.zeros(count, dtype=np.int64), np.arange(count), np.empty((count, 0)))
    raw = inference.predict(split.trained_part, FrozenInputs([[features]], device), examples, device).double().numpy()
    return network.architecture.outputs.decode_array(raw)["item"]
