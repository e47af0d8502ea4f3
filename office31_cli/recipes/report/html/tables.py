"""Every figure's numbers as rows of a table, for those who cannot see it or want to copy them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from office31_cli.recipes.models.facts import describe_model
from office31_cli.recipes.report.results import ReportContents, View
from office31_cli.text import format_interval, format_percent
from office31_cli.workflow.wording import describe_labels, describe_score

Row = tuple[object, ...]


def list_key_figures(views: Sequence[View]) -> Iterator[Row]:
    """What is known of each model, side by side."""
    scores = [view.scored for view in views if view.scored]
    if len(scores) == len(views):
        if len({score.photographs for score in scores}) > 1:
            yield "photographs scored", *(f"{score.photographs:,}" for score in scores)
        yield "accuracy", *(format_percent(score.accuracy) for score in scores)
        yield "95 % interval", *(format_interval(score.ci95) for score in scores)
        yield "macro accuracy", *(format_percent(score.macro_accuracy) for score in scores)
        yield "calibration error", *(format_percent(score.ece) for score in scores)
        for name in scores[-1].outputs:
            if name != "item":
                told = (score.outputs.get(name) for score in scores)
                yield (
                    name,
                    *(describe_score(each["kind"], next(iter([*each.values()][1:]))) if each else "-" for each in told),
                )
    yield "labels trained on", *(describe_labels(view.entry.card.labels_used) for view in views)


def list_family(report: ReportContents) -> Iterator[Row]:
    """The family."""
    for relative in report.family:
        if relative.left_out:
            yield f"{relative.left_out:,} more", "", ""
        else:
            yield relative.name, relative.state, describe_model(relative.row) if relative.row else ""


def list_curves(report: ReportContents) -> tuple[Row, list[Row]]:
    """What the training noted: the columns' names, and an epoch a row."""
    found = report.curves
    columns: list[tuple[str, Sequence[float], Callable[[float], str]]] = [
        *((name, values, "{:.4g}".format) for name, values in found.losses.items()),
        *((f"accuracy on {name}", values, format_percent) for name, values in found.accuracies.items()),
        *((f"validator {name}", values, "{:.4g}".format) for name, values in found.validators.items()),
    ]
    told = [[write(value) for value in values] for _, values, write in columns]
    rows = [(epoch, *row) for epoch, row in enumerate(zip_longest(*told, fillvalue="-"), 1)]
    return ("epoch", *(name for name, _, _ in columns)), rows


def list_items(report: ReportContents) -> Iterator[Row]:
    """Each item's accuracy."""
    for row in report.per_item:
        other = () if report.other is None else (format_percent(row.other),)
        yield row.item, f"{row.photographs:,}", format_percent(row.accuracy), *other


def list_mistakes(report: ReportContents) -> Iterator[Row]:
    """Item and predicted item of the mistakes, the most common first."""
    if report.confusion is None:
        return
    pairs = zip(*(places.tolist() for places in report.confusion.nonzero()), strict=True)
    counts = [(-int(report.confusion[actual, taken]), actual, taken) for actual, taken in pairs if actual != taken]
    for count, actual, taken in sorted(counts):
        yield report.items[actual], report.items[taken], f"{-count:,}"


def list_bins(report: ReportContents) -> Iterator[Row]:
    """Every reliability diagram's bars."""
    for row in report.reliability:
        at = "as it is" if row.temperature is None else f"{row.temperature:.2f}"
        for each in row.bins:
            edges = f"{100 * each.low:.0f} to {100 * each.high:.0f} %"
            told = (f"{each.photographs:,}", format_percent(each.confidence), format_percent(each.accuracy))
            yield row.model, at, edges, *told
