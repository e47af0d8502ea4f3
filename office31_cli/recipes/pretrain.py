"""`office31 pretrain`: train a network on labelled domains and store it."""

from collections.abc import Sequence

from office31_cli import processes
from office31_cli.data.catalogue import DataLike
from office31_cli.observer import SILENT, Observer
from office31_cli.results import TrainingResult
from office31_cli.workflow import selection
from office31_cli.workflow.request import DEFAULTS, Options, build_request
from office31_cli.workflow.uneven_items import report_single_photographs, warn_of_rare_items


def pretrain(
    domains: Sequence[str],
    *,
    data: DataLike | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> TrainingResult:
    """Train on the photographs of `domains` (`all` for every labelled one) and store the network.

    A share of the photographs, `options.held_out`, is held out and scored at the end; without it a fifth. Without
    `options.train` the head alone is trained on a CPU, and everything on an accelerator or where the network is
    randomly initialised. Raises `Misuse` for names that do not exist, before anything is loaded, and `Failed` where
    data or weights cannot be had.
    """
    observer = processes.listen_on_first(observer)
    request = build_request("pretrain", domains, data=data, backbone=backbone, weights=weights, options=options)
    selection.report_data(data, request.data, observer)
    selection.warn_of_parts(request.data, request.domains, options.held_out, observer)
    warn_of_rare_items(request, observer)
    report_single_photographs(request, request.domains, observer)
    from office31_cli.workflow import training  # torch, 3 s: only now that all that was typed makes sense
    from office31_cli.workflow.run import build_run

    fields = training.train_on_all_processes(lambda: build_run(request, observer), options.device, observer)
    return TrainingResult(**fields)
