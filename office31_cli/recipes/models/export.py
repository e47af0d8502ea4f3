"""`office31 models export`: a stored model as one file, for here or for elsewhere."""

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from office31_cli import storage
from office31_cli._version import __version__
from office31_cli.data.catalogue import location
from office31_cli.errors import Misuse, Office31Error, Refused
from office31_cli.models import formats
from office31_cli.models.formats.base import ITEMS, Format
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.evaluate import evaluate
from office31_cli.registry import Entry, Registry, bundle, lineage
from office31_cli.registry.lineage import Node
from office31_cli.results import Evaluated
from office31_cli.text import did_you_mean, printable
from office31_cli.workflow import seen_labels
from office31_cli.workflow.calibration import load_calibration
from office31_cli.workflow.selection import data_of

if TYPE_CHECKING:
    from office31_cli.models.preprocessing import Preprocessing
    from office31_cli.models.program import Graph
    from office31_cli.recipes.models.parity import Parity

BUNDLE = "safetensors"
"""Weights and card, which `office31 models import` takes back. The other formats are graphs that run by themselves."""

TOLERANCE = 1e-3
PICTURES = 64


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A model in a file of its own."""

    entry: Entry
    format: str
    path: Path
    seconds: float
    written: "Written | None"
    """What is known of a graph; None for a bundle."""
    ancestors: list[Node]
    """What the model was made from, the nearest first."""
    card: Path | None
    """Where the model card is to lie that goes with it."""
    scores: list[Evaluated] | None
    """For the card: each labelled domain of which the model has not seen every label; None where they are not here."""

    def to_json(self) -> dict[str, Any]:
        """The object that `export --json` prints."""
        return {
            "model": self.entry.name,
            "id": self.entry.id,
            "path": str(self.path),
            "bytes": self.path.stat().st_size,
            "format": self.format,
            "seconds": self.seconds,
            "card": self.card and str(self.card),
            **(self.written.to_json() if self.written else {"preprocessing": None, "parity": None}),
        }


def formats_known() -> tuple[str, ...]:
    """What `--format` takes."""
    return (BUNDLE, *formats.FOLDER.names())


def export(
    model: str,
    path: Path | None = None,
    *,
    form: str | None = None,
    preprocessing: bool = False,
    opset: int | None = None,
    tolerance: float | None = None,
    pictures: int | None = None,
    card: bool = False,
    overwrite: bool = False,
    observer: Observer = SILENT,
) -> Exported:
    """Write the model to `path`, in the format that its suffix says unless `form` does.

    A graph is run again on so many `pictures`, and refused where a logit differs by more than `tolerance`: then
    nothing is left at `path`. With `card` the model is scored on every labelled domain of its data set, for the model
    card. Raises `Misuse` for what makes no sense, before anything is computed.
    """
    entry = Registry().find(model)
    form = _format(form, path)
    path = path or Path(f"{entry.name}.{form}")
    if form == BUNDLE:
        _check_no_graph(preprocessing=preprocessing or None, opset=opset, tolerance=tolerance, pictures=pictures)
    bundle.check_path(path, f".{form}", overwrite=overwrite)
    beside = path.with_suffix(".md") if card else None
    if beside:
        bundle.check_path(beside, ".md", overwrite=overwrite)
    began = time.monotonic()
    if form == BUNDLE:
        written = None
        bundle.export(entry, path, overwrite=overwrite)
    else:
        chosen = formats.load(form)
        chosen.check(opset)
        tolerance = _positive(TOLERANCE if tolerance is None else tolerance)

        written = write(
            entry,
            path,
            chosen,
            inside=preprocessing,
            opset=opset,
            tolerance=tolerance,
            pictures=PICTURES if pictures is None else pictures,
            observer=observer,
        )
    seconds = round(time.monotonic() - began, 3)
    return Exported(
        entry=entry,
        format=form,
        path=path,
        seconds=seconds,
        written=written,
        ancestors=lineage.ancestors(Registry(), entry),
        card=beside,
        scores=_scores(entry, observer) if card else None,
    )


def _format(form: str | None, path: Path | None) -> str:
    """The format that is asked for, by its name or by the path's suffix."""
    known = formats_known()
    if form is None:
        form = path.suffix.removeprefix(".") if path else BUNDLE
        if form not in known:
            raise Misuse(
                printable(str(path)),
                f"its suffix is none of {', '.join(known)}",
                "end the name in one, or use --format",
            )
    elif form not in known:
        raise Misuse(f"--format {printable(form)}", "there is none of that name", did_you_mean(form, known))
    return form


def _check_no_graph(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise Misuse(f"--{name}", f"{BUNDLE} holds weights and no graph", "add --format onnx or --format pt2")


def _scores(entry: Entry, observer: Observer) -> list[Evaluated] | None:
    """The model on each labelled domain of its data set, on what it has not seen; None where that is not here."""
    try:
        data = data_of(entry)
    except Office31Error:
        return None
    if set(data.items) != set(entry.card.items):
        return None
    known = seen_labels.of(entry)
    whole = [domain for domain in data.labelled_domains if seen_labels.seen(data.photographs(domain), known).all()]
    rest = [domain for domain in data.labelled_domains if domain not in whole]
    return [evaluate(domain, model=entry.id, data=location(data), observer=observer) for domain in rest]


def _positive(tolerance: float) -> float:
    if not 0 < tolerance < math.inf:
        raise Misuse(f"--tolerance {tolerance:g}", "not above zero", "use a number such as 1e-3")
    return tolerance


@dataclass(frozen=True, eq=False)
class Written:
    """A graph in a file: its ends, what it was compared with, and Python that runs it."""

    graph: "Graph"
    format: Format
    parity: "Parity"
    usage: list[str]

    def to_json(self) -> dict[str, Any]:
        """What it adds to the object that `export --json` prints."""
        return {
            "preprocessing": self.graph.preprocesses,
            "given": asdict(self.graph.given),
            "answers": [asdict(end) for end in self.graph.answers],
            "parity": self.parity.to_json(),
        }


def write(
    entry: Entry,
    path: Path,
    form: Format,
    *,
    inside: bool,
    opset: int | None,
    tolerance: float,
    pictures: int,
    observer: Observer,
) -> Written:
    """Write the model's graph to `path`; raises `Refused` where the file's answers are not the model's."""
    from office31_cli.models.program import traced
    from office31_cli.models.stored import load_network
    from office31_cli.recipes.models.parity import compared

    network, preprocessing = load_network(entry)
    network.eval()
    calibration = load_calibration(entry)
    temperature = None if calibration is None else calibration.temperature
    graph = traced(network, preprocessing, inside=inside, temperature=temperature)
    content = form.write(graph, _notes(entry, graph, preprocessing), opset)
    parity = compared(form.run(content), graph, network, preprocessing, entry, count=pictures, observer=observer)
    if not parity.largest_difference <= tolerance:
        raise Refused(
            printable(str(path)),
            f"a logit of the {form.name} file differs from the model's by {parity.largest_difference:.2g}, "
            f"where {tolerance:g} is allowed",
            "allow more with --tolerance, or choose another --format",
        )
    storage.write_file(path, content)
    return Written(graph, form, parity, _usage(path.name, form, graph, preprocessing))


def _notes(entry: Entry, graph: "Graph", preprocessing: "Preprocessing") -> dict[str, str]:
    """What travels inside the file, so that it can be used alone."""
    told = {
        "office31.given": asdict(graph.given),
        "office31.answers": [asdict(end) for end in graph.answers],
        ITEMS: entry.card.items,
        "office31.preprocessing": preprocessing.to_json() | {"inside": graph.preprocesses},
        "office31.labels_used": entry.card.labels_used,
    }
    texts = {key: json.dumps(value) for key, value in told.items()}  # in ASCII: a name may be no UTF-8
    return texts | {"office31.model": entry.name, "office31.id": entry.id, "office31.version": __version__}


def _usage(file: str, form: Format, graph: "Graph", preprocessing: "Preprocessing") -> list[str]:
    """Lines of Python that name what is on a photograph."""
    return [
        "import json",
        "import numpy",
        f"import {form.module}",
        "from PIL import Image, ImageOps",
        *_picture(graph, preprocessing),
        *form.usage(file, graph.given.name),
        "print(items[item[0].argmax()])",
    ]


def _picture(graph: "Graph", preprocessing: "Preprocessing") -> list[str]:
    """Lines of Python that make one photograph what the graph is given."""
    upright = 'ImageOps.exif_transpose(Image.open("photograph.jpg")).convert("RGB")'
    name, side, crop = graph.given.name, preprocessing.side, preprocessing.crop
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
