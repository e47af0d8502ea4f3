"""`office31 finetune`: go on from a stored network with labels of the target."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from office31_cli import processes, strategies
from office31_cli.data import columns
from office31_cli.data.folder import DataSet
from office31_cli.data.lists import read_list
from office31_cli.engine.settings import NO_REFINEMENTS, Refinements
from office31_cli.errors import Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.notation import format_outputs, parse
from office31_cli.registry import Entry
from office31_cli.results import FinetuneResult
from office31_cli.strategies.base import Strategy
from office31_cli.text import printable
from office31_cli.workflow import selection
from office31_cli.workflow.request import DEFAULTS, FinetuneRequest, Options


def finetune(
    target: str,
    *,
    model: str | None = None,
    data: str | None = None,
    strategy: str = "full",
    settings: Mapping[str, str] | None = None,
    labels: int | None = None,
    labels_from: Path | None = None,
    with_source: bool = False,
    refinements: Refinements = NO_REFINEMENTS,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> FinetuneResult:
    """Go on from `model` with the target's labels: all of its training part, `labels` an item, or those listed.

    With `with_source` it learns again from what the model was trained on. What is held out is scored at the end.
    Without `model`, the newest one that fits and has seen no label of the target is taken: one that has could have
    seen what is now held out. Raises `Misuse` for names that do not exist, before anything is loaded.
    """
    observer = processes.listen_on_first(observer)
    options.check()
    refinements.check()
    chosen = strategies.load(strategy).from_text(strategy, settings or {})
    if not chosen.losses_are_row_means:
        processes.check_single_process(f"--strategy {strategy}")
    _check_labels(labels, refinements)
    start, opened = selection.select_model_and_data(
        model, data, target, lambda entry: not entry.card.labels_used.get(target), selection.no_model_fits(target)
    )
    request = build_finetune_request(
        start,
        opened,
        target,
        strategy=(strategy, chosen),
        labels=labels,
        listed=None if labels_from is None else _read_labels_from(labels_from, opened, target),
        with_source=with_source,
        refinements=refinements,
        options=options,
    )
    selection.report_model(model, start, observer)
    from office31_cli.workflow import training  # torch, 3 s: only now that all that was typed makes sense
    from office31_cli.workflow.finetune_run import build_finetune_run

    fields = training.train_on_all_processes(lambda: build_finetune_run(request, observer), options.device, observer)
    return FinetuneResult(
        **fields,
        target=target,
        strategy=strategy,
        labels=request.to_json()["labels"],
        source="+".join(request.domains[1:]) or None,
    )


def build_finetune_request(
    start: Entry,
    data: DataSet,
    target: str,
    *,
    strategy: tuple[str, Strategy],
    labels: int | None,
    listed: tuple[str, ...] | None = None,
    with_source: bool = False,
    refinements: Refinements = NO_REFINEMENTS,
    options: Options = DEFAULTS,
) -> FinetuneRequest:
    """The training that is asked for; raises `Misuse` where the stored model cannot do it."""
    if start.card.items != data.items:
        raise Misuse(f"model {start.name}", "it lists its items in another order", "choose another --model")
    name, chosen = strategy
    outputs = _outputs(options.outputs, start, data)
    if chosen.item_only and (len(outputs.outputs) > 1 or outputs.columns != ("item",)):
        raise Misuse(
            f"--strategy {name}", f"it answers item alone, not {format_outputs(outputs)}", "add --outputs item"
        )
    if chosen.needs_stored_item:
        selection.check_predicts_item(start, f"for {name}")
    return FinetuneRequest(
        command="finetune",
        data=data,
        domains=(target, *(source_of(start, data, target) if with_source else ())),
        backbone=start.card.network["backbone"],
        weights=start.card.weights,
        parent=start,
        outputs=outputs,
        name=name,
        strategy=chosen,
        labels=labels,
        listed_files=listed,
        refinements=refinements,
        suggested_name=f"{start.name}-{target}",
        options=options,
    )


def _check_labels(labels: int | None, refinements: Refinements) -> None:
    if labels is not None and labels < 1:
        raise Misuse(f"--labels {labels}", "too few", "use 1 or more, or all")
    if labels == 1 and refinements.patience is not None:
        raise Misuse("--patience", "it keeps a label of each item for itself", "ask for --labels 2 or more")


def source_of(start: Entry, data: DataSet, target: str) -> tuple[str, ...]:
    """The labelled domains but the target that a model has learnt from, in the data set's order."""
    learnt = {domain for domain, count in start.card.labels_used.items() if count and domain != target}
    found = tuple(domain for domain in data.labelled_domains if domain in learnt)
    if not found:
        raise Misuse(
            f"model {start.name}",
            f"what it was trained on is no domain of {printable(data.name)} beside {printable(target)}",
            "leave --with-source out",
        )
    return found


def _read_labels_from(path: Path, data: DataSet, target: str) -> tuple[str, ...]:
    """The target's photographs that a file names, a path a line: below the target, the data set, or whole."""
    option = f"--labels-from {printable(str(path))}"
    photographs = data.photographs(target)
    known = {os.path.realpath(photographs.root / file): file for file in photographs.files}
    chosen: set[str] = set()
    for number, text in read_list(path, "--labels-from", "path", errors="surrogateescape"):
        places = (photographs.root / text, data.root / text, Path(text))
        file = next((known[real] for place in places if (real := os.path.realpath(place)) in known), None)
        if file is None:
            raise Misuse(
                f"{option}, line {number}",
                f"{printable(text)} is no photograph of {printable(target)}",
                "give paths such as " + printable(photographs.files[0]),
            )
        chosen.add(file)
    if not chosen:
        raise Misuse(option, "it names no photograph", "give a path a line")
    return tuple(sorted(chosen))


def _outputs(text: str | None, start: Entry, data: DataSet) -> Composite:
    """What is to be answered: what the stored network does, unless something else is asked for."""
    before = selection.stored_outputs(start)
    asked = parse(format_outputs(before) if text is None else text, partial(columns.get_column, data))
    try:
        return asked.inherit_from(before)
    except ValueError as error:
        raise Misuse(
            f"model {start.name}", f"{printable(str(error))} than {printable(data.name)}", "leave it out of --outputs"
        ) from None
