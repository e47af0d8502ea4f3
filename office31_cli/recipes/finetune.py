"""`office31 finetune`: train a stored network further on labels of the target."""

import os
from collections.abc import Mapping
from functools import partial

from office31_cli import processes
from office31_cli.data.catalogue import DataLike
from office31_cli.engine.settings import NO_REFINEMENTS, Refinements
from office31_cli.observer import SILENT, Observer
from office31_cli.results import FinetuneResult
from office31_cli.workflow import selection
from office31_cli.workflow.finetune_request import build_finetune_request
from office31_cli.workflow.request import DEFAULTS, Options
from office31_cli.workflow.uneven_items import report_single_photographs, warn_of_rare_items


def finetune(
    target: str,
    *,
    model: str | None = None,
    data: DataLike | None = None,
    strategy: str = "full",
    settings: Mapping[str, str | float] | None = None,
    labels: int | None = None,
    labels_from: str | os.PathLike[str] | None = None,
    new_items: bool = False,
    add_items: bool = False,
    with_source: bool = False,
    refinements: Refinements = NO_REFINEMENTS,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> FinetuneResult:
    """Train `model` on the target's labels: all of its training part, `labels` an item, or those listed.

    The file `labels_from` names the photographs to train on, or says `path,item` of each; items in it that look like
    typing errors are refused unless they are `new_items`. With `add_items` items that the model does not know get
    outputs of their own; else their photographs are left out.
    With `with_source` it trains again on what the model was trained on, too. What is held out is scored at the end.
    Without `model`, the newest one that fits and has seen no label of the target is taken: one that has could have
    seen what is now held out. Raises `Misuse` for names that do not exist, before anything is loaded.
    """
    observer = processes.listen_on_first(observer)
    request = build_finetune_request(
        target,
        partial(
            selection.select_unseen,
            model,
            data,
            target,
            needs_labels=labels_from is None,
            needs_shared=labels_from is None and not add_items,
        ),
        strategy=strategy,
        settings=settings,
        labels=labels,
        labels_from=labels_from,
        new_items=new_items,
        add_items=add_items,
        with_source=with_source,
        refinements=refinements,
        options=options,
    )
    selection.report_model(model, request.parent, observer)
    selection.report_layout(request.data, observer)
    selection.warn_of_parts(request.data, [target], options.held_out, observer)
    if request.label_budget == "all":
        warn_of_rare_items(request, observer)
    if request.listed_files is None:
        report_single_photographs(request, [target], observer)
    from office31_cli.workflow import training  # torch, 3 s: only now that all that was typed makes sense
    from office31_cli.workflow.finetune_run import build_finetune_run

    fields = training.train_on_all_processes(lambda: build_finetune_run(request, observer), options.device, observer)
    return FinetuneResult(
        **fields,
        target=target,
        strategy=strategy,
        labels=request.label_budget,
        source="+".join(request.domains[1:]) or None,
    )
