"""`office31 adapt`: train a stored network further on the target's photographs, without any of its labels."""

from collections.abc import Mapping, Sequence
from functools import partial

from office31_cli.data.catalogue import DataLike
from office31_cli.data.data_set import DataSet
from office31_cli.observer import SILENT, Observer
from office31_cli.registry import Entry
from office31_cli.results import AdaptResult
from office31_cli.text import join_names, printable
from office31_cli.workflow import selection
from office31_cli.workflow.adapt_request import build_adapt_request
from office31_cli.workflow.item_sets import AUTO
from office31_cli.workflow.request import DEFAULT_METHOD, DEFAULT_VALIDATOR, DEFAULTS, Options


def adapt(
    target: str,
    *,
    method: str = DEFAULT_METHOD,
    source: Sequence[str] | None = None,
    settings: Mapping[str, str | float] | None = None,
    validator: str = DEFAULT_VALIDATOR,
    steps: int | None = None,
    views: int | None = None,
    setting: str = AUTO,
    model: str | None = None,
    data: DataLike | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> AdaptResult:
    """Train `model` on the labels of `source` and the photographs of `target`, and store the network.

    `source` is what the model was trained on unless given; a source-free method does not open it, and of no source
    is a label held out unless `options` ask for it. Without `model` the newest one that fits, was not adapted itself,
    and has seen no label of the target is taken. `setting` is which items the target shows beside the source's:
    `closed`, `partial`, `open`, `universal`, or `auto`, which estimates it without labels. What is stored is the last
    epoch; beside its accuracy stand that of the epoch that `validator` picks without labels, and of the best. The
    target's labels, where it has any, are read after the training and for those figures alone. Raises `Misuse` for
    names and numbers that make no sense, before anything is loaded.
    """
    request = build_adapt_request(
        target,
        partial(_select, model, data, target),
        method=method,
        source=source,
        settings=settings,
        validator=validator,
        steps=steps,
        views=views,
        setting=setting,
        options=options,
    )
    parent = request.parent
    selection.report_model(model, parent, observer)
    selection.report_layout(request.data, observer)
    selection.warn_of_parts(request.data, request.domains, options.held_out, observer)
    if left := [column for column in selection.stored_outputs(parent).columns if column != "item"]:
        observer.say(f"adapt answers item alone: of {parent.name}, it leaves {printable(join_names(left))} behind")
    from office31_cli.workflow import training  # torch, 3 s: only now that all that was typed makes sense
    from office31_cli.workflow.adapt_run import build_adapt_run

    fields = training.train_and_store(build_adapt_run(request, observer), observer)
    return AdaptResult(**fields, source="+".join(request.domains) or None, target=target, method=method)


def _select(model: str | None, data: DataLike | None, target: str) -> tuple[Entry, DataSet]:
    """The model to start from: unless one is named, the newest that was not adapted and has seen no label of it."""

    def fits(entry: Entry) -> bool:
        return entry.card.command != "adapt" and not entry.card.labels_used.get(target)

    missing = selection.no_model_fits(target)
    return selection.select_model_and_data(model, data, target, fits, missing, needs_labels=False)
