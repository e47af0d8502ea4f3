"""`office31 models export`: a stored model as one file, for here or for elsewhere."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from office31_cli.data.catalogue import location
from office31_cli.errors import Misuse, Office31Error
from office31_cli.models import formats
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.evaluate import evaluate
from office31_cli.registry import Entry, Registry, bundle, lineage
from office31_cli.registry.lineage import Node
from office31_cli.results import Evaluated
from office31_cli.text import did_you_mean, printable
from office31_cli.workflow import seen_labels
from office31_cli.workflow.selection import data_of

if TYPE_CHECKING:
    from office31_cli.recipes.models.export_compute import Written

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
        from office31_cli.recipes.models import (
            export_compute,  # torch, 3 s: only now that all that was typed makes sense
        )

        written = export_compute.write(
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
    whole = [domain for domain in data.labelled if seen_labels.seen(data.photographs(domain), known).all()]
    rest = [domain for domain in data.labelled if domain not in whole]
    return [evaluate(domain, model=entry.id, data=location(data), observer=observer) for domain in rest]


def _positive(tolerance: float) -> float:
    if not 0 < tolerance < math.inf:
        raise Misuse(f"--tolerance {tolerance:g}", "not above zero", "use a number such as 1e-3")
    return tolerance
