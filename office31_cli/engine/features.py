"""The outputs of a network's frozen part for every photograph: computed once, kept in the cache."""

import functools
import hashlib
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from office31_cli._version import __version__
from office31_cli.data.cache import CachedArray, Rows, content_key, open_cache
from office31_cli.data.photographs import IntArray, Photographs
from office31_cli.engine.device import autocast, inference_batch_size, largest_batch, precision
from office31_cli.engine.frozen_split import frozen_output_shape, largest_activation
from office31_cli.engine.inputs import RandomNumbers
from office31_cli.errors import Failed
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.state_dict import hash_tensors
from office31_cli.observer import Observer

_VIEWS = 1
"""Raised when what a view shows changes, so that features of the older ones are not used."""

MIX_SHARE = 0.65
"""The share of a picture in its mixture with another (Hu and others 2024)."""


def compute_frozen_outputs(
    frozen: nn.Module,
    photographs: Photographs,
    pixels: CachedArray,
    preprocessing: Preprocessing,
    device: torch.device,
    observer: Observer,
    *,
    view: int = 0,
    partners: IntArray | None = None,
) -> CachedArray:
    """The frozen part's outputs (n, ...) for one view of the photographs, by default their centre crops.

    With `partners` (n,) each picture is mixed with the centre crop of the photograph at that place: `MIX_SHARE` of it,
    and the rest of the partner. Vectors are stored in float32, activation maps, which are large, in float16. The key
    holds the weights' values, the photographs' bytes and the preprocessing: models with the same frozen part share
    the entry. Raises `Failed` where an output is not finite in the precision that is stored.
    """
    shape = frozen_output_shape(frozen, preprocessing.crop)
    dtype = np.float32 if len(shape) == 1 else np.float16
    key = content_key(
        weights=hash_tensors(frozen.state_dict()),
        network=hashlib.sha256(repr(frozen).encode()).hexdigest(),
        office31=__version__,
        torchvision=version("torchvision"),
        photographs=photographs.content,
        pixels=pixels.folder.name,
        preprocessing=preprocessing.to_json(),
        view=[view, _VIEWS],
        shape=shape,
        torch=torch.__version__,
        device=device.type,
        precision=str(precision(device)),
        **({} if partners is None else {"mixed": [MIX_SHARE, partners.tolist()]}),
    )
    draws = _view_random_numbers(photographs.digests, view)
    network = frozen.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @functools.cache  # decided with the first rows: where all are in the cache, nothing is measured
    def batch_size() -> int:
        return inference_batch_size(device, lambda: largest_activation(network, preprocessing.crop))

    def load_pixels(rows: IntArray) -> torch.Tensor:
        return torch.from_numpy(pixels.rows(rows)).to(device, non_blocking=True)

    def compute(start: int, stop: int) -> Rows:
        outputs = []
        with torch.inference_mode(), autocast(device):
            for first in range(start, stop, batch_size()):
                last = min(first + batch_size(), stop)
                rows = photographs.rows[first:last]
                images = preprocessing.make_view(view, load_pixels(rows), draws[first:last])
                if partners is not None:
                    others = preprocessing.centre_crop(load_pixels(photographs.rows[partners[first:last]]))
                    images = images.lerp(others, 1 - MIX_SHARE)
                outputs.append(_to_cache_precision(network(images).float().cpu().numpy(), dtype))
        return np.concatenate(outputs)

    which = f", view {view + 1}" if view else "" if partners is None else ", mixed in pairs"
    label = f"features of {photographs.domain}{which}"
    return open_cache(
        "features",
        key,
        (len(photographs), *shape),
        dtype,
        compute,
        label=label,
        observer=observer,
        rows_at_once=largest_batch(device),
    )


def _view_random_numbers(digests: Sequence[str], view: int) -> RandomNumbers:
    """The random numbers (n, 8) that decide a view of photographs; each photograph's follow from its content alone."""
    hashes = [hashlib.sha256(f"view {view} {digest}".encode()).digest() for digest in digests]
    return np.frombuffer(b"".join(hashes), dtype="<u4").reshape(-1, 8) / 2.0**32


def _to_cache_precision(outputs: Rows, dtype: npt.DTypeLike) -> Rows:
    """The outputs in the cache's precision; raises `Failed` where they are not finite there."""
    with np.errstate(over="ignore"):
        stored: Rows = outputs.astype(dtype)
    if not np.isfinite(stored).all():
        raise Failed("features", "the frozen part's outputs are not finite, or too large to be kept", "use --train all")
    return stored
