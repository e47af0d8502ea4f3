"""`office31 pretrain`: train a network on labelled domains and store it."""

from collections.abc import Sequence
from functools import partial

from office31_cli import processes
from office31_cli.data import columns, sets
from office31_cli.data.catalogue import location, open_data
from office31_cli.data.folder import DataSet
from office31_cli.errors import Misuse
from office31_cli.models.catalogue import check_backbone, is_weights_file, resolve_weights
from office31_cli.observer import SILENT, Observer
from office31_cli.outputs.notation import parse
from office31_cli.results import TrainingResult
from office31_cli.workflow import selection
from office31_cli.workflow.request import DEFAULTS, Options, Request

PUBLISHED_WITH = ("resnet50", "ResNet50_Weights.IMAGENET1K_V1")
"""The network and weights of the published Office-31 tables."""


def pretrain(
    domains: Sequence[str],
    *,
    data: str | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> TrainingResult:
    """Train on the photographs of `domains` (`all` for every labelled one) and store the network.

    A share of the photographs, `options.held_out`, is kept back and scored at the end. Without `options.train`
    the head alone is trained on a CPU, and everything on an accelerator or from fresh weights. Raises `Misuse`
    for names that do not exist, before anything is loaded, and `Failed` where data or weights cannot be had.
    """
    observer = processes.listen_on_first(observer)
    request = build_request("pretrain", domains, data=data, backbone=backbone, weights=weights, options=options)
    selection.report_data(data, request.data, observer)
    from office31_cli.workflow import training  # torch, 3 s: only now that all that was typed makes sense
    from office31_cli.workflow.run import build_run

    fields = training.train_on_all_processes(lambda: build_run(request, observer), options.device, observer)
    return TrainingResult(**fields)


def build_request(
    command: str,
    domains: Sequence[str],
    *,
    data: str | None,
    backbone: str | None,
    weights: str | None,
    options: Options,
) -> Request:
    """What a training from the start is asked to do; raises as `pretrain` does."""
    options.check()
    opened = open_data(data)
    wanted = _every(opened, domains)
    if backbone is None:
        known = sets.find(location(opened))
        backbone = "convnet" if known is not None and known.drawn else PUBLISHED_WITH[0]
    check_backbone(backbone)
    if options.allow_nonfinite and (weights is None or not is_weights_file(weights)):
        raise Misuse("--allow-nonfinite", "it is for a file of your own", "give --weights PATH, or leave it out")
    return Request(
        command=command,
        data=opened,
        domains=wanted,
        backbone=backbone,
        weights=resolve_weights(backbone, _default_weights(backbone) if weights is None else weights),
        parent=None,
        outputs=parse("item" if options.outputs is None else options.outputs, partial(columns.get_column, opened)),
        suggested_name=f"{'all' if wanted == opened.labelled_domains else '-'.join(wanted)}-{backbone}",
        options=options,
    )


def _every(data: DataSet, domains: Sequence[str]) -> tuple[str, ...]:
    """The domains asked for, each once, in the data set's order; `all` are those with labels."""
    if isinstance(domains, str) or not domains:
        raise Misuse(
            "domains", "a list of one or more names is needed", f"choose from {', '.join(data.labelled_domains)}"
        )
    for domain in domains:
        if domain != "all":
            data.check_labelled(domain)
    return tuple(domain for domain in data.labelled_domains if domain in domains or "all" in domains)


def _default_weights(backbone: str) -> str:
    return PUBLISHED_WITH[1] if backbone == PUBLISHED_WITH[0] else "DEFAULT"
