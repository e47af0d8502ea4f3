"""`office31 compare labels`: what does one labelled photograph of each item buy on the new camera?"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from office31_cli import strategies as finetuning
from office31_cli.data.catalogue import DataLike
from office31_cli.errors import Misuse
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.compare.labels_results import AS_STORED, TARGET_ALONE, LabelsComparison, LabelsPlan, LabelsRow
from office31_cli.recipes.compare.outputs import check_held_out
from office31_cli.registry import Entry, Registry
from office31_cli.text import printable
from office31_cli.workflow import selection
from office31_cli.workflow.adapt_request import build_adapt_request
from office31_cli.workflow.finetune_request import build_finetune_request
from office31_cli.workflow.item_sets import describe_left_out
from office31_cli.workflow.request import DEFAULTS, Options

BUDGETS: tuple[int | None, ...] = (0, 1, 3, 5, 10, None)
"""Labels an item; None is all of the training set."""

STRATEGIES = ("linear", "full", "mcc")
METHOD = "mcc"
"""The adaptation method unless another is named: it takes a tenth of the time of `auto`."""


def compare_labels(
    target: str,
    *,
    budgets: Sequence[int | None] = BUDGETS,
    strategies: Sequence[str] = STRATEGIES,
    method: str = METHOD,
    with_source: bool = True,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    model: str | None = None,
    data: DataLike | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> LabelsComparison:
    """Fine-tune `model` with more and more labels of the target, by every strategy and with each seed.

    A budget is a number of labels an item, None all of the training set; with 0 the model is adapted by `method`.
    A seed fixes which photographs are held out and which are labelled (`options.seed` is not used). Raises `Misuse` for
    names that do not exist and where nothing would be held out, before anything is loaded.
    """
    options.check()
    check_held_out(options)
    if not budgets or not strategies or not seeds:
        raise Misuse("compare labels", "nothing to compare", "name at least one of --labels, --strategies and --seeds")
    budgets = sorted(set(budgets), key=lambda labels: (labels is None, labels or 0))
    for name in strategies:
        finetuning.load(name)
    start, opened = selection.select_unseen(model, data, target)
    selection.check_predicts_item(start, "to be compared")
    adapt = partial(build_adapt_request, target, lambda: (start, opened), method=method)
    finetune = partial(build_finetune_request, target, lambda: (start, opened))
    seeded = {seed: options.without_resume(seed=seed, outputs="item") for seed in seeds}
    plan = LabelsPlan(
        seeds=tuple(seeds),
        alone={seed: finetune(options=each) for seed, each in seeded.items()},
        heads_alone=_only_heads_trained(start),
        adapted={
            seed: adapt(options=replace(each, held_out=None, epochs=None, lr=None))
            for seed, each in seeded.items()
            if 0 in budgets
        },
        finetuned={
            (labels, name): {
                seed: finetune(strategy=name, labels=labels, with_source=with_source, options=each)
                for seed, each in seeded.items()
            }
            for labels in budgets
            if labels != 0
            for name in strategies
        },
    )
    selection.report_model(model, start, observer)
    if left_out := describe_left_out(opened.listings[target].labels, start.card.items):
        observer.say(f"{printable(target)}: {left_out} are not scored")
    source = "+".join(domain for domain, count in start.card.labels_used.items() if count)
    if not plan.heads_alone:
        observer.warn(f"no row of the target alone: the backbone of {start.name} was trained, on {source} itself")
    from office31_cli.recipes.compare.labels_run import compute_rows  # torch, 3 s: only now that all makes sense

    rows = compute_rows(plan, observer)
    return LabelsComparison(
        model=start.name,
        backbone=start.card.network["backbone"],
        source=source,
        target=target,
        seeds=list(seeds),
        with_source=with_source,
        rows=rows,
        overtakes=_find_overtaking(rows),
    )


def _only_heads_trained(entry: Entry | None) -> bool:
    """Whether the backbone is as it was before all training: of the model, and of those that it was made from."""
    while entry is not None:
        if entry.card.train != "head":
            return False
        parents = entry.card.parents[:1]
        entry = next((each for each in Registry().entries() if parents and each.id == parents[0].id), None)
        if parents and entry is None:  # a parent that is gone may have trained it
            return False
    return True


def _find_overtaking(rows: Sequence[LabelsRow]) -> dict[str, Any] | None:
    """The smallest budget from which on a strategy does better than adapting without labels; of several the best."""
    adapted = next((row for row in rows if row.labels == 0 and row.strategy != AS_STORED), None)
    if adapted is None:
        return None
    names = dict.fromkeys(row.strategy for row in rows if row.labels != 0 and row.strategy != TARGET_ALONE)
    firsts = []
    for name in names:
        first = None
        for row in reversed([row for row in rows if row.strategy == name and row.labels != 0]):
            if _held_out_accuracy(row) <= _held_out_accuracy(adapted):
                break
            first = row
        if first is not None:
            firsts.append(first)
    if not firsts:
        return None
    best = min(firsts, key=lambda row: (row.photographs, -_held_out_accuracy(row)))
    return {"labels": best.labels, "strategy": best.strategy}


def _held_out_accuracy(row: LabelsRow) -> float:
    accuracy = row.held_out["mean"]
    return -1.0 if accuracy is None else accuracy
