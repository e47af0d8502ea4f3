"""How a trained model looks."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from office31_cli.render.console import build_cell, build_table
from office31_cli.render.sparkline import format_curve
from office31_cli.results import AdaptResult, FinetuneResult, TrainingResult
from office31_cli.text import format_percent, pluralize
from office31_cli.workflow import forced_resume
from office31_cli.workflow.wording import describe_calibration, describe_labels, describe_score


def render_training(result: TrainingResult, *, charts: bool = False) -> Table:
    """What was trained on what, and how well it names what was held out; if it is `drawn`, the loss's course too."""
    made = build_table(f"stored as {result.model}", "", "")
    made.show_header = False
    made.add_row("id", result.id)
    if result.parent is not None:
        made.add_row("from", result.parent)
    if isinstance(result, FinetuneResult):
        made.add_row("strategy", build_cell(_format_strategy(result)))
    if isinstance(result, AdaptResult):
        made.add_row("method", build_cell(_format_method(result)))
    made.add_row("network", build_cell(f"{result.backbone}, weights {result.weights}"))
    if result.outputs != "item":
        made.add_row("outputs", build_cell(result.outputs))
    made.add_row("trained", f"{_PARTS[result.train]}, {pluralize(result.epochs, 'epoch')}, {result.seconds:.1f} s")
    if told := forced_resume.describe(result.forced):
        made.add_row("not bit-identical", build_cell(told))
    if charts and result.loss:
        made.add_row("loss", format_curve(result.loss))
    if result.domains:
        told = f"{pluralize(result.photographs, 'photograph')} of {', '.join(result.domains)}"
        made.add_row("learnt from", build_cell(told))
    made.add_row("labels seen", build_cell(describe_labels(result.labels_used)))
    if isinstance(result, AdaptResult):
        for what, score in _list_target_scores(result):
            made.add_row(build_cell(what), score)
    if result.held_out or not isinstance(result, AdaptResult):
        made.add_row("held out", _format_held_out(result))
    if result.calibration is not None:
        for what, told in zip(("calibrated", ""), describe_calibration(result.calibration), strict=True):
            made.add_row(what, build_cell(told))
    return made


def _format_strategy(result: FinetuneResult) -> str:
    """`full, labels: 3 an item, beside amazon`."""
    labels = f"{result.labels} an item" if isinstance(result.labels, int) else result.labels
    if result.fewer:
        labels = f"up to {labels}"
    beside = f", beside {result.source}" if result.source else ""
    stopped = f", {pluralize(result.validated, 'label')} to stop by" if result.validated else ""
    return f"{result.strategy}, labels: {labels}{beside}{stopped}"


def _format_method(result: AdaptResult) -> str:
    """`mcc, from amazon to dslr`."""
    return f"{result.method}, from {result.source or 'the stored model alone'} to {result.target}"


def _list_target_scores(result: AdaptResult) -> Iterable[tuple[str, str]]:
    """The three figures side by side, each with what chose its epoch."""
    last, selected, oracle = (result.scores[name] for name in ("last", "selected", "oracle"))
    if last is None:
        yield result.target, "it has no labels, so nothing can be scored"
        return
    yield result.target, f"{format_percent(last)}: the last epoch, stored"
    picked = f"epoch {selected['epoch']}, picked by {selected['validator']} without target labels"
    yield "", f"{format_percent(selected['accuracy'])}: {picked}"
    yield "", f"{format_percent(oracle)}: the best epoch, which only labels tell (oracle)"


def _format_held_out(result: TrainingResult) -> Text | str:
    """`83.2 % of 564 photographs`, and with several outputs each by its name."""
    if not result.held_out:
        return "nothing"
    scores = {name: describe_score(result.kinds[name], value) for name, value in result.validation.items()}
    told = scores["item"] if len(scores) == 1 else ", ".join(f"{name} {score}" for name, score in scores.items())
    return build_cell(f"{told} of {pluralize(result.held_out, 'photograph')}")


_PARTS = {
    "head": "the head, on cached features",
    "last": "the head and the last stage",
    "all": "all layers",
}
