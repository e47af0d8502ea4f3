"""`office31 report` and `office31 figures`: what there is to show of a stored model."""

from office31_cli.data.catalogue import DataLike
from office31_cli.data.data_set import DataSet
from office31_cli.engine.settings import check_device
from office31_cli.errors import Failed, Misuse, Office31Error
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.embedding import choose_kind
from office31_cli.recipes.report.figures import check_matplotlib
from office31_cli.recipes.report.report import Figures, Report
from office31_cli.registry import Entry, Registry
from office31_cli.workflow import selection
from office31_cli.workflow.evaluation import parse_split


def report(
    model: str | None = None,
    *,
    split: str | None = None,
    compare: str | None = None,
    data: DataLike | None = None,
    embedding: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    observer: Observer = SILENT,
) -> Report:
    """Compute all that a report shows of a stored model, the newest unless named; `save` of the result writes the page.

    `split` is as in `evaluate`; by default it is the domain that the model was adapted to, else its first training
    domain. The model is shown beside the one that it was made from, or beside `compare`. Of photographs without labels
    the report shows what needs none. Raises `Misuse` for what does not exist or does not fit, and `Failed` where there
    are no photographs in the part.
    """
    check_device(device)
    kind = choose_kind(embedding)
    nothing = Failed("no stored model", "there is nothing to report on", "run: office31 pretrain --domain amazon")
    domain, part = (None, None) if split is None else parse_split(split)
    word = model
    if domain is None:
        named = Registry().newest(selection.usable) if model is None else Registry().find(model)
        if named is None:
            raise nothing
        selection.check_usable(named)
        word, domain = named.id, _default_domain(named)
    entry, opened = selection.select_model_and_data(
        word, data, domain, lambda entry: True, nothing, needs_labels=part is not None
    )
    other, alone = _find_parent(entry, opened) if compare is None else (_find_other(compare, entry, opened), "")
    selection.report_model(model, entry, observer)
    selection.report_layout(opened, observer)
    from office31_cli.recipes.report.gather import (  # torch, 3 s: only now that all makes sense
        ReportRequest,
        gather_report,
    )

    request = ReportRequest(opened, domain, part, kind, device=device, skip_bad=skip_bad)
    return gather_report(entry, other, request, alone=alone, compared=compare is not None, observer=observer)


def figures(
    model: str | None = None,
    *,
    split: str | None = None,
    compare: str | None = None,
    data: DataLike | None = None,
    embedding: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    observer: Observer = SILENT,
) -> Figures:
    """Compute a report's figures for a paper; `save` of the result writes them.

    The parameters are those of `report`. Raises as `report` does, and `Failed` where matplotlib is not installed.
    """
    check_matplotlib()
    return Figures(
        report(
            model,
            split=split,
            compare=compare,
            data=data,
            embedding=embedding,
            device=device,
            skip_bad=skip_bad,
            observer=observer,
        )
    )


def _default_domain(entry: Entry) -> str:
    """The domain that a model was adapted to, else its first training domain."""
    row = ModelRow.of(entry)
    if row.target is not None:
        return row.target
    if not row.domains:
        raise Misuse(f"model {entry.name}", "its card does not tell what it was trained on", "say it with --split")
    return row.domains[0]


def _find_other(word: str, entry: Entry, data: DataSet) -> Entry:
    """The model that `--compare` names; raises `Misuse` where the two cannot be shown the same photographs."""
    other = Registry().find(word)
    if other.id == entry.id:
        raise Misuse(f"--compare {word}", "it is the same model", "choose another")
    selection.check_usable(other)
    selection.check_shared_items(other, data)
    return other


def _find_parent(entry: Entry, data: DataSet) -> tuple[Entry | None, str]:
    """What the model was made from, or why that cannot be shown."""
    if not entry.card.parents:
        return None, "it was trained from the start"
    try:
        return _find_other(entry.card.parents[0].id, entry, data), ""
    except Office31Error:
        return None, "the model that it was made from is not here, or names other items"
