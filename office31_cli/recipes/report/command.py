"""`office31 report` and `office31 figures`: all that is to be shown of a stored model."""

from office31_cli.data.folder import DataSet
from office31_cli.engine.settings import check_device
from office31_cli.errors import Failed, Misuse, Office31Error
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.evaluate import parse_split
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.document import Figures, Report
from office31_cli.recipes.report.embedding import check_kind
from office31_cli.recipes.report.figures import check_matplotlib
from office31_cli.registry import Entry, Registry
from office31_cli.workflow import selection


def report(
    model: str | None = None,
    *,
    split: str | None = None,
    compare: str | None = None,
    data: str | None = None,
    embedding: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    observer: Observer = SILENT,
) -> Report:
    """Gather what there is to show of a stored model, the newest unless named.

    `split` is as in `evaluate`; without it, it is the domain that the model went on to, else the one that it was
    trained on. What is shown stands beside what the model was made from, or beside `compare`. Photographs without
    labels are shown, too, without what only labels tell. Raises `Misuse` for what does not exist or does not
    fit, and `Failed` where no photographs are left.
    """
    check_device(device)
    kind = check_kind(embedding)
    nothing = Failed("no stored model", "there is nothing to report on", "run: office31 pretrain --domain amazon")
    domain, part = (None, None) if split is None else parse_split(split)
    word = model
    if domain is None:
        named = Registry().newest(selection.usable) if model is None else Registry().find(model)
        if named is None:
            raise nothing
        selection.check_usable(named)
        word, domain = named.id, _went_on_to(named)
    entry, opened = selection.select_model_and_data(
        word, data, domain, lambda entry: True, nothing, needs_labels=part is not None
    )
    other, alone = _parent(entry, opened) if compare is None else (_compared(compare, entry, opened), "")
    selection.report_model(model, entry, observer)
    from office31_cli.recipes.report.gather import (  # torch, 3 s: only now that all makes sense
        ReportRequest,
        gather_report,
    )

    asked = ReportRequest(opened, domain, part, kind, device=device, skip_bad=skip_bad)
    return gather_report(entry, other, asked, alone=alone, compared=compare is not None, observer=observer)


def figures(
    model: str | None = None,
    *,
    split: str | None = None,
    compare: str | None = None,
    data: str | None = None,
    embedding: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    observer: Observer = SILENT,
) -> Figures:
    """Gather what there is to show of a stored model, as `report` does, for figures.

    Raises `Failed` where matplotlib is not installed, before anything is computed, and otherwise as `report` does.
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


def _went_on_to(entry: Entry) -> str:
    row = ModelRow.of(entry)
    if row.target is not None:
        return row.target
    if not row.domains:
        raise Misuse(f"model {entry.name}", "its card does not tell what it was trained on", "say it with --split")
    return row.domains[0]


def _compared(word: str, entry: Entry, data: DataSet) -> Entry:
    """The model that `--compare` names; raises `Misuse` where the two cannot be shown the same photographs."""
    other = Registry().find(word)
    if other.id == entry.id:
        raise Misuse(f"--compare {word}", "it is the same model", "choose another")
    selection.check_usable(other)
    selection.check_items(other, data)
    return other


def _parent(entry: Entry, data: DataSet) -> tuple[Entry | None, str]:
    """What the model was made from, or why that cannot be shown."""
    if not entry.card.parents:
        return None, "it was trained from the start"
    try:
        return _compared(entry.card.parents[0].id, entry, data), ""
    except Office31Error:
        return None, "the model that it was made from is not here, or names other items"
