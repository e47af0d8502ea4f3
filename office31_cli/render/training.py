"""How a trained model looks."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.table import Table

from office31_cli.render.console import build_facts
from office31_cli.render.sparkline import format_curve
from office31_cli.results import AdaptResult, FinetuneResult, TrainingResult
from office31_cli.text import format_percent, join_names, pluralize, printable
from office31_cli.workflow import forced_resume
from office31_cli.workflow.wording import (
    describe_calibration,
    describe_class_weights,
    describe_labels,
    describe_score,
    describe_setting,
)

_PARTS = {
    "head": "the head, on cached features",
    "last": "the head and the last stage",
    "all": "all layers",
}
"""What `--train` trains."""


def render_training(result: TrainingResult, *, charts: bool = False) -> Table:
    """What was trained on what, and its scores; with `charts` the curve of the loss as well."""
    return build_facts(f"stored as {result.model}", _list_facts(result, charts=charts))


def _list_facts(result: TrainingResult, *, charts: bool) -> Iterator[tuple[str, str]]:
    yield "id", result.id
    if result.parent is not None:
        yield "starts from", result.parent
    if isinstance(result, FinetuneResult):
        yield "strategy", _format_strategy(result)
    if isinstance(result, AdaptResult):
        yield "method", _format_method(result)
    yield "network", f"{result.backbone}, weights {result.weights}"
    if result.outputs != "item":
        yield "outputs", result.outputs
    yield "trained", f"{_PARTS[result.train]}, {pluralize(result.epochs, 'epoch')}, {result.seconds:.1f} s"
    if forced := forced_resume.describe(result.forced):
        yield "not bit-identical", forced
    if charts and result.loss:
        yield "loss", format_curve(result.loss)
    if result.domains:
        yield "trained on", f"{pluralize(result.photographs, 'photograph')} of {', '.join(result.domains)}"
    if result.class_weights != "none":
        yield "items balanced", describe_class_weights(result.class_weights)
    yield "labels seen", describe_labels(result.labels_used)
    if isinstance(result, AdaptResult):
        yield from _list_setting(result)
        yield from _list_target_scores(result)
    if result.held_out or not isinstance(result, AdaptResult):
        yield "held-out set", _format_held_out(result)
    if isinstance(result, FinetuneResult) and result.forgotten and result.added:
        yield "items added", _format_added(result.items_added, result.added)
        for place, line in enumerate(_list_retention(result.forgotten)):
            yield "" if place else "other items", line
    if result.calibration is not None:
        yield from zip(("calibration", ""), describe_calibration(result.calibration), strict=True)


def _format_strategy(result: FinetuneResult) -> str:
    """`full, labels: 3 an item, beside amazon`."""
    labels = f"{result.labels} an item" if isinstance(result.labels, int) else result.labels
    if result.fewer:
        labels = f"up to {labels}"
    beside = f", beside {result.source}" if result.source else ""
    stopped = f", {pluralize(result.validated, 'label')} for early stopping" if result.validated else ""
    return f"{result.strategy}, labels: {labels}{beside}{stopped}"


def _format_added(items: tuple[str, ...], added: dict[str, Any]) -> str:
    """`trolley: 83.3 % of 6 held-out photographs`."""
    names = printable(join_names(items))
    if not added["photographs"]:
        return f"{names}: not scored, as nothing of them is held out"
    return f"{names}: {format_percent(added['accuracy'])} of {pluralize(added['photographs'], 'held-out photograph')}"


def _list_retention(forgotten: dict[str, Any]) -> Iterator[str]:
    """By domain `amazon: 84.4 % before, 83.1 % now, of 564 unseen photographs`."""
    if not forgotten["photographs"]:
        yield "not compared, as there is no photograph that neither model has seen"
    for domain, row in forgotten["domains"].items():
        before, after = format_percent(row["before"]), format_percent(row["after"])
        yield f"{domain}: {before} before, {after} now, of {pluralize(row['photographs'], 'unseen photograph')}"


def _format_method(result: AdaptResult) -> str:
    """`mcc, from amazon to dslr`."""
    return f"{result.method}, from {result.source or 'the stored model alone'} to {result.target}"


def _list_setting(result: AdaptResult) -> Iterable[tuple[str, str]]:
    """Which items the target is taken to show, unless it was said to show the source's."""
    if result.evidence is not None or result.setting != "closed":
        labels = ("setting", "")
        yield from zip(labels, describe_setting(result.setting, result.evidence), strict=False)


def _list_target_scores(result: AdaptResult) -> Iterable[tuple[str, str]]:
    """The accuracies on the target, each with what selected its epoch."""
    last, selected, oracle = (result.scores[name] for name in ("last", "selected", "oracle"))
    if last is None:
        yield result.target, "not scored, as it has no labels"
        return
    yield result.target, f"{format_percent(last)}: the last epoch, stored"
    epoch = f"epoch {selected['epoch']}, selected by {selected['validator']} without target labels"
    yield "", f"{format_percent(selected['accuracy'])}: {epoch}"
    yield "", f"{format_percent(oracle)}: the best epoch, which only labels tell (oracle)"


def _format_held_out(result: TrainingResult) -> str:
    """`83.2 % of 564 photographs`, and with several outputs each by its name."""
    if not result.held_out:
        return "none"
    scores = {name: describe_score(result.kinds[name], value) for name, value in result.validation.items()}
    named = scores["item"] if len(scores) == 1 else ", ".join(f"{name} {score}" for name, score in scores.items())
    return f"{named} of {pluralize(result.held_out, 'photograph')}"
