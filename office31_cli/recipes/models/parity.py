"""Whether an exported file answers as the model does: both are shown the same pictures."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from office31_cli import storage
from office31_cli.data.drawing.cameras import CAMERAS, take_photograph
from office31_cli.data.drawing.symbols import draw_distinct_symbols
from office31_cli.data.pixels import Pixels, decode, decode_unscaled
from office31_cli.errors import Failed, Office31Error, Refused
from office31_cli.models.formats.base import Runner
from office31_cli.models.network import Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.program import Graph
from office31_cli.observer import Observer
from office31_cli.recipes.models.results import Parity
from office31_cli.registry import Entry
from office31_cli.workflow import selection

_BATCH = 16
"""As many pictures at once; the first is shown alone, so that a graph for a single number of them does not pass."""


def measure_parity(
    run: Runner,
    graph: Graph,
    network: Network,
    preprocessing: Preprocessing,
    entry: Entry,
    *,
    count: int,
    observer: Observer,
) -> Parity:
    """Show `count` pictures to a file's graph and to the network that it was made from.

    They are photographs of all domains of the model's data set where that is here, else drawn ones. A graph with
    preprocessing inside is shown the pictures as they are, the network what `decode` makes of them.
    """
    differences, agreeing, shown = [0.0], 0, 0
    with TemporaryDirectory() as folder:
        source, paths = _photographs(entry)
        pictures = _read(paths or _drawn(Path(folder), count), preprocessing.side)
        with observer.track("comparing the file with the model", count) as advance:
            for batch in _batches(islice(pictures, count)):
                wholes, squashed = (np.stack(pixels) for pixels in zip(*batch, strict=True))
                images = preprocessing.centre_crop(torch.from_numpy(squashed))
                found = run(wholes if graph.preprocesses else images.contiguous().numpy())
                with torch.inference_mode():
                    logits = network.eval()(images)
                    likeliest = network.architecture.outputs.decode(logits)["item"].argmax(1)
                differences.append(float(np.abs(found[graph.outputs[0].name] - logits.numpy()).max()))
                agreeing += int((found["item"].argmax(1) == likeliest.numpy()).sum())
                shown += len(batch)
                advance(len(batch))
    if not shown:
        raise Failed(
            "the comparison",
            "no photograph of the model's data set can be read",
            "repair the data set, or move it away to compare on drawn pictures",
        )
    return Parity(shown, source, float(np.max(differences)), agreeing)


def _photographs(entry: Entry) -> tuple[str | None, list[Path]]:
    """The model's data set and its photographs in an order that has nothing to do with their names; none if not here.

    The order is that of their hashes, so that the first of them are from all domains and of all items.
    """
    with suppress(Office31Error):
        data = selection.open_training_data(entry)
        parts = [data.photographs(domain) for domain in data.domains]
        found = [
            (digest, part.root / file) for part in parts for digest, file in zip(part.digests, part.files, strict=True)
        ]
        return data.name, [path for _, path in sorted(found)]
    return None, []


def _drawn(folder: Path, count: int) -> list[Path]:
    """Pictures of the sample's cameras, written to a folder that will be gone."""
    cameras, symbols = list(CAMERAS.values()), draw_distinct_symbols(8, seed=0)
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        camera, symbol = cameras[number % len(cameras)], symbols[number % len(symbols)]
        content = take_photograph(symbol, camera, np.random.default_rng(number))
        storage.create_file(path, content, sync=False)
    return paths


def _read(paths: Iterable[Path], side: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Each picture as it is and squashed; those that cannot be read are passed over."""
    for path in paths:
        with suppress(Failed, Refused):
            yield decode_unscaled(path, side), decode(path, side)


def _batches(pictures: Iterator[tuple[Pixels, Pixels]]) -> Iterator[list[tuple[Pixels, Pixels]]]:
    """The first alone, then those of one size together."""
    yield from ([first] for first in islice(pictures, 1))
    while some := list(islice(pictures, _BATCH)):
        by_size = sorted(some, key=lambda pair: pair[0].shape)
        yield from (list(group) for _, group in groupby(by_size, key=lambda pair: pair[0].shape))
