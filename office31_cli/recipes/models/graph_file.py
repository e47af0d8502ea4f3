"""A stored model as a graph in a file that runs without office31, kept only where it answers as the model does."""

import json
from dataclasses import asdict
from pathlib import Path

from office31_cli import storage
from office31_cli._version import __version__
from office31_cli.errors import Refused
from office31_cli.models.formats.base import ITEMS, Format
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.program import Graph, trace_network
from office31_cli.models.stored import load_network
from office31_cli.observer import Observer
from office31_cli.recipes.models.parity import measure_parity
from office31_cli.recipes.models.results import ExportedGraph
from office31_cli.registry import Entry
from office31_cli.text import printable
from office31_cli.workflow.calibration import load_calibration


def write_graph(
    entry: Entry,
    path: Path,
    form: Format,
    *,
    preprocessing_inside: bool,
    opset: int | None,
    tolerance: float,
    pictures: int,
    observer: Observer,
) -> ExportedGraph:
    """Write the model's graph to `path`; raises `Refused` where the file's answers are not the model's."""
    network, preprocessing = load_network(entry)
    network.eval()
    calibration = load_calibration(entry)
    temperature = None if calibration is None else calibration.temperature
    graph = trace_network(network, preprocessing, inside=preprocessing_inside, temperature=temperature)
    content = form.write(graph, _notes(entry, graph, preprocessing), opset)
    parity = measure_parity(form.run(content), graph, network, preprocessing, entry, count=pictures, observer=observer)
    if not parity.largest_difference <= tolerance:
        raise Refused(
            printable(str(path)),
            f"a logit of the {form.name} file differs from the model's by {parity.largest_difference:.2g}, "
            f"where {tolerance:g} is allowed",
            "allow more with --tolerance, or choose another --format",
        )
    storage.write_file(path, content)
    return ExportedGraph(graph, form, parity, _usage(path.name, form, graph, preprocessing))


def _notes(entry: Entry, graph: Graph, preprocessing: Preprocessing) -> dict[str, str]:
    """What travels inside the file, so that it can be used alone."""
    values = {
        "office31.given": asdict(graph.input),
        "office31.answers": [asdict(end) for end in graph.outputs],
        ITEMS: entry.card.items,
        "office31.preprocessing": preprocessing.to_json() | {"inside": graph.preprocesses},
        "office31.labels_used": entry.card.labels_used,
    }
    texts = {key: json.dumps(value) for key, value in values.items()}  # in ASCII: a name may be no UTF-8
    return texts | {"office31.model": entry.name, "office31.id": entry.id, "office31.version": __version__}


def _usage(file: str, form: Format, graph: Graph, preprocessing: Preprocessing) -> list[str]:
    """Lines of Python that name what is on a photograph."""
    return [
        "import json",
        "import numpy",
        f"import {form.module}",
        "from PIL import Image, ImageOps",
        *_picture(graph, preprocessing),
        *form.usage(file, graph.input.name),
        "print(items[item[0].argmax()])",
    ]


def _picture(graph: Graph, preprocessing: Preprocessing) -> list[str]:
    """Lines of Python that make one photograph what the graph is given."""
    upright = 'ImageOps.exif_transpose(Image.open("photograph.jpg")).convert("RGB")'
    name, side, crop = graph.input.name, preprocessing.side, preprocessing.crop
    if graph.preprocesses:
        return [f"{name} = numpy.asarray({upright})[None]"]
    start = (side - crop) // 2
    middle = f"{start}:{start + crop}"
    return [
        f"squashed = {upright}.resize(({side}, {side}), Image.Resampling.BILINEAR)",
        f"pixels = numpy.asarray(squashed, numpy.float32)[{middle}, {middle}] / 255",
        f"pixels = (pixels - {preprocessing.mean}) / {preprocessing.std}",
        f"{name} = pixels.transpose(2, 0, 1)[None].astype(numpy.float32)",
    ]
