"""Principal directions: features in fewer dimensions, so that a step has less to multiply and to store."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from office31_cli.data.cache import CachedArray
from office31_cli.data.photographs import IntArray

KEPT_SHARE = 0.99
"""The share of the features' squared length that lies along the directions: the rest is beneath the noise of a seed."""

_GRAIN = 64
"""Directions come in multiples of this, as products are fastest then."""

_BLOCK = 4096
"""Rows read at a time."""


def principal_directions(
    arrays: Sequence[CachedArray], orders: Sequence[IntArray], device: torch.device
) -> Tensor | None:
    """Orthonormal columns (d, k) along which rows (n, d) of unit length keep `KEPT` of their squared length.

    The eigenvectors, with the largest eigenvalues, of the second moment of all rows (Pearson 1901). The rows of each
    array are summed in its order (n,), on which the last digits depend: that of a listing follows the labels.
    None where that would save nothing, or where a row is not a vector.
    """
    if len(arrays[0].shape) != 2:
        return None
    width = arrays[0].shape[1]
    moment = torch.zeros(width, width, dtype=torch.float64)
    for array, order in zip(arrays, orders, strict=True):
        for first in range(0, len(order), _BLOCK):
            rows = normalise_rows(torch.from_numpy(array.rows(order[first : first + _BLOCK])).to(device))
            moment += (rows.T @ rows).cpu()
    values, vectors = torch.linalg.eigh(moment)
    shares = values.flip(0).clamp_min(0).cumsum(0) / values.clamp_min(0).sum()
    count = int((shares < KEPT_SHARE).sum()) + 1
    count = -(-count // _GRAIN) * _GRAIN
    if count >= width:
        return None
    kept = vectors.flip(1)[:, :count]
    signs = kept.gather(0, kept.abs().argmax(0, keepdim=True)).sign()  # an eigenvector's sign is anybody's choice
    directions: Tensor = (kept * signs).float().contiguous().to(device)
    return directions


def normalise_rows(rows: Tensor) -> Tensor:
    """Rows (n, d) in single precision, each of length 1."""
    return normalize(rows.float())
