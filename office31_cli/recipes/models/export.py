"""`office31 models export`: a stored model as one file, for here or for elsewhere."""

import math
import os
import time
from pathlib import Path

from office31_cli import storage
from office31_cli.errors import Misuse, Office31Error
from office31_cli.models import formats
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.evaluate import evaluate
from office31_cli.recipes.models.model_card import write_card
from office31_cli.recipes.models.results import BUNDLE, ExportResult
from office31_cli.registry import Entry, Registry, bundle, lineage
from office31_cli.results import Evaluation
from office31_cli.text import did_you_mean, printable
from office31_cli.workflow import seen_labels
from office31_cli.workflow.selection import open_training_data

TOLERANCE = 1e-3
PICTURES = 64


def list_formats() -> tuple[str, ...]:
    """What `--format` takes."""
    return (BUNDLE, *formats.FOLDER.names())


def export(
    model: str,
    path: str | os.PathLike[str] | None = None,
    *,
    form: str | None = None,
    preprocessing: bool = False,
    opset: int | None = None,
    tolerance: float | None = None,
    pictures: int | None = None,
    card: bool = False,
    overwrite: bool = False,
    observer: Observer = SILENT,
) -> ExportResult:
    """Write a stored model to one file, in the format that the suffix of `path` says unless `form` does.

    Without `path` the file has the model's name and lies in this folder. A graph (onnx, pt2) is compared with the model
    on `pictures` photographs, and refused where a logit differs by more than `tolerance`: then no file is left. With
    `card` the model is scored on every labelled domain of its data set, and a model card is written beside the file.
    Raises `Misuse` for what makes no sense, before anything is computed.
    """
    entry = Registry().find(model)
    form = _choose_format(form, None if path is None else Path(path))
    file = Path(f"{entry.name}.{form}" if path is None else path)
    if form == BUNDLE:
        _check_no_graph(preprocessing=preprocessing or None, opset=opset, tolerance=tolerance, pictures=pictures)
    bundle.check_path(file, f".{form}", overwrite=overwrite)
    card_file = file.with_suffix(".md") if card else None
    if card_file:
        bundle.check_path(card_file, ".md", overwrite=overwrite)
    began = time.monotonic()
    graph = None
    if form == BUNDLE:
        bundle.export(entry, file, overwrite=overwrite)
    else:
        chosen = formats.load(form)
        chosen.check(opset)
        tolerance = TOLERANCE if tolerance is None else tolerance
        _check_tolerance(tolerance)
        from office31_cli.recipes.models.graph_file import write_graph  # torch, 3 s: only now that all makes sense

        graph = write_graph(
            entry,
            file,
            chosen,
            preprocessing_inside=preprocessing,
            opset=opset,
            tolerance=tolerance,
            pictures=PICTURES if pictures is None else pictures,
            observer=observer,
        )
    result = ExportResult(
        entry=entry,
        format=form,
        path=file,
        seconds=round(time.monotonic() - began, 3),
        graph=graph,
        ancestors=lineage.list_ancestors(Registry(), entry),
        card=card_file,
        scores=_score(entry, observer) if card else None,
    )
    if card_file:
        storage.write_file(card_file, write_card(result).encode())
    return result


def _choose_format(form: str | None, path: Path | None) -> str:
    """The format that is asked for, by its name or by the path's suffix."""
    known = list_formats()
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


def _score(entry: Entry, observer: Observer) -> list[Evaluation] | None:
    """The model on each labelled domain of its data set, on what it has not seen; None where that is not here."""
    try:
        data = open_training_data(entry)
    except Office31Error:
        return None
    if not set(data.items) & set(entry.card.items):
        return None
    known = seen_labels.load_seen_labels(entry)
    whole = [domain for domain in data.labelled_domains if seen_labels.find_seen(data.photographs(domain), known).all()]
    rest = [
        domain
        for domain in data.labelled_domains
        if domain not in whole and set(data.items_of(domain)) & set(entry.card.items)
    ]
    return [evaluate(domain, model=entry.id, data=data, observer=observer) for domain in rest]


def _check_tolerance(tolerance: float) -> None:
    if not 0 < tolerance < math.inf:
        raise Misuse(f"--tolerance {tolerance:g}", "not above zero", "use a number such as 1e-3")
