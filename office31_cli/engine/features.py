"""What the frozen part of a network makes of every photograph: computed once, kept in the cache."""

import numpy as np
import torch
from torch import nn

from office31_cli.data.cache import CachedArray, Rows, cached, content_key
from office31_cli.data.photographs import Photographs
from office31_cli.engine.device import fast_arithmetic, precision
from office31_cli.engine.draws import generator
from office31_cli.engine.freezing import frozen_shape
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.weights import digest
from office31_cli.observer import Observer

_BATCH = 16
"""Small batches stay in the processor's cache: larger ones are no faster."""


def frozen_outputs(
    frozen: nn.Module,
    photographs: Photographs,
    pixels: CachedArray,
    preprocessing: Preprocessing,
    device: torch.device,
    observer: Observer,
    *,
    view: int = 0,
) -> CachedArray:
    """The frozen part's outputs (n, ...) for one view of the photographs, unless told otherwise their centre crops.

    Vectors are kept in float32, activation maps, which are large, in float16. The key holds the weights' values,
    the photographs' bytes and the preprocessing: any model whose frozen part is the same shares the entry.
    """
    shape = frozen_shape(frozen, preprocessing.crop)
    dtype = np.float32 if len(shape) == 1 else np.float16
    key = content_key(
        weights=digest(frozen.state_dict()),
        photographs=photographs.content,
        pixels=pixels.folder.name,
        preprocessing=preprocessing.to_json(),
        view=view,
        shape=shape,
        torch=torch.__version__,
        device=device.type,
        precision=str(precision(device)),
    )
    draws = generator("view", view).random((len(pixels), 8))
    network = frozen.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def compute(start: int, stop: int) -> Rows:
        outputs = []
        with torch.inference_mode(), fast_arithmetic(device):
            for first in range(start, stop, _BATCH):
                rows = photographs.rows[first : min(first + _BATCH, stop)]
                decoded = torch.from_numpy(pixels.rows(rows)).to(device, non_blocking=True)
                images = preprocessing.view(view, decoded, draws[rows])
                outputs.append(network(images).float().cpu().numpy().astype(dtype))
        return np.concatenate(outputs)

    label = f"features of {photographs.domain}" + (f", view {view + 1}" if view else "")
    return cached("features", key, (len(photographs), *shape), dtype, compute, label=label, observer=observer)
