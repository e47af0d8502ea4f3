"""Sentences of the page, made from the same numbers as its figures."""

import shlex
from collections.abc import Mapping, Sequence

from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.results import ModelEmbedding, Reliability, ReportContents, View
from office31_cli.text import format_percent as format_breakable_percent
from office31_cli.text import join_names, pluralize

SIGNIFICANT = 0.05

_WIDEST = 96
"""Characters of a line of a command."""

RIGHTS = "Pass them on only as its terms allow; Office-31 is for research use."


def format_percent(fraction: float | None) -> str:
    """As on the terminal, but never broken at the end of a line."""
    return format_breakable_percent(fraction).replace(" ", "\N{NO-BREAK SPACE}")


def format_points(difference: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    told = f"{100 * difference:+.0f}"
    return "±0" if told in ("+0", "-0") else told.replace("-", "\N{MINUS SIGN}")


def format_confidence(share: float) -> str:
    """A confidence, of which only exactly 1 is shown as 100 %."""
    return "over\N{NO-BREAK SPACE}99.9\N{NO-BREAK SPACE}%" if 0.9995 <= share < 1 else format_percent(share)


def format_command(words: Sequence[str]) -> list[str]:
    """The lines of a command, to be pasted into a shell."""
    lines = [""]
    for number, word in enumerate(words):
        quoted = shlex.quote(word)
        begins = word.startswith("--") or number == 0
        value = shlex.quote(words[number + 1]) if begins and number + 1 < len(words) else ""
        if begins and lines[-1] and len(f"{lines[-1]} {quoted} {value} \\") > _WIDEST:
            lines.append("   ")
        lines[-1] += f" {quoted}" if lines[-1] else quoted
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


def describe_origin(view: View) -> str:
    """What made the model, in a line."""
    card, row = view.entry.card, ModelRow.of(view.entry)
    domains = " and ".join(row.domains)
    way = card.configuration.get("strategy" if row.target is None else "method")
    by = f" by {way}" if isinstance(way, str) else ""
    if row.target is not None:
        return f"Adapted from {domains or 'its parent alone'} to {row.target}{by}"
    return f"{'Fine-tuned' if card.command == 'finetune' else 'Trained'} on {domains}{by}"


def describe_honesty(report: ReportContents) -> str:
    """Whether the model has seen labels of the photographs that it is scored on."""
    target = report.this.target
    if seen := int(target.seen.sum()):
        count = pluralize(len(target.photographs), "photograph")
        return f"Not an honest score: the model was trained on the labels of {seen:,} of these {count}."
    text = "The model was trained on none of their labels"
    adapted = ModelRow.of(report.this.entry).target == target.photographs.domain
    return f"{text}; it was adapted to the photographs themselves." if adapted else f"{text}."


def describe_others_honesty(report: ReportContents) -> str:
    """Whether the other model has seen labels of the photographs."""
    if report.other is None or not (seen := int(report.other.target.seen.sum())):
        return ""
    return f"{report.other.entry.name} was trained on the labels of {seen:,} of them, which flatters it."


def describe_test(report: ReportContents) -> str:
    """Whether the difference between the two models is significant."""
    test, other = report.paired, report.other
    assert test is not None
    assert other is not None
    verdict = "more than chance explains" if test.p_value < SIGNIFICANT else "no more than chance explains"
    p_value = "p < 0.001" if test.p_value < 0.001 else f"p = {test.p_value:.3f}"
    return (
        f"Only this model classifies {test.only_this:,} of them correctly, only {other.entry.name} {test.only_other:,}"
        f": {verdict} ({p_value}, McNemar's exact test)."
    )


def describe_scores(report: ReportContents) -> str:
    """For those who cannot see the intervals."""
    scored = [view.scored for view in (report.other, report.this) if view and view.scored]
    texts = []
    for score in scored:
        low, high = map(format_percent, score.ci95)
        texts.append(f"{score.model} {format_percent(score.accuracy)}, {low} to {high}")
    return f"Accuracy with its 95 % interval: {'; '.join(texts)}"


def describe_family(report: ReportContents) -> str:
    """For those who cannot see the tree."""
    line = [relative.name for relative in report.family if relative.role]
    return f"Tree of {pluralize(len(report.family), 'model')}, among them {join_names(line)}"


def describe_epochs(report: ReportContents) -> str:
    """Which epoch is stored, which one the validator picks, and how good the best one is."""
    picked, accuracies = report.curves.picked, [*report.curves.accuracies.values()]
    if picked is None or not accuracies:
        return ""
    values = accuracies[-1]
    chosen = f", {format_percent(values[picked - 1])}" if 0 < picked <= len(values) else ""
    return (
        f"The last epoch is stored, {format_percent(values[-1])}; the ring marks the one that the validator picks "
        f"without labels{chosen}. Only labels tell the best epoch, {format_percent(max(values))} (oracle). "
        "The accuracies were measured after the training, and had no influence on it."
    )


def describe_curves(what: str, series: Mapping[str, Sequence[float]]) -> str:
    """For those who cannot see the curves."""
    ends = "; ".join(f"{name} from {row[0]:.3g} to {row[-1]:.3g}".strip() for name, row in series.items())
    return f"{what} over {pluralize(max(map(len, series.values())), 'epoch')}: {ends}"


def describe_items(report: ReportContents) -> str:
    """The items with the lowest accuracies."""
    return (
        f"Lowest accuracies: {join_names(f'{row.item} {format_percent(row.accuracy)}' for row in report.per_item[:3])}."
    )


def describe_gains(report: ReportContents) -> str:
    """Where the two models differ most."""
    rows = [(row.accuracy - row.other, row.item) for row in report.per_item if row.other is not None]
    if not rows:
        return ""
    (most, best), (least, worst) = max(rows), min(rows)
    lost = f", most lost for {worst} ({format_points(least)})" if least < 0 else ""
    return f"Most was gained for {best} ({format_points(most)} points){lost}." if most > 0 else ""


def describe_confusion(report: ReportContents) -> str:
    """The most common confusions."""
    assert report.this.scored is not None
    pairs = [
        f"{pair['actual']} for {pair['predicted']} ({pair['photographs']})" for pair in report.this.scored.confused
    ]
    return f"Most often taken: {join_names(pairs)}." if pairs else "No item is taken for another one."


def describe_embedding(report: ReportContents) -> str:
    """What the points are, and what their places mean."""
    shown = report.embedding
    assert shown is not None
    first = shown.panels[0]
    of = f"{first.source.domain} and {first.target.domain}" if first.source else first.target.domain
    text = f"The last layer's features of photographs of {of}, laid out by {shown.called}, which sees no labels."
    if shown.kind == "tsne":
        text += " Groups mean something; the distances between them do not."
    if len(shown.panels) > 1:
        text += (
            " Both drawings are one map: the same place means the same."
            if shown.shared
            else " Each is a map of its own."
        )
    near = [f"{format_percent(each.neighbours)} ({each.model})" for each in shown.panels if each.neighbours is not None]
    if near and first.source:
        text += (
            f" The nearest photograph of {first.source.domain} shows the same item for {' and '.join(near)} "
            f"of those of {first.target.domain}."
        )
    return text


def describe_points(shown: ModelEmbedding) -> str:
    """For those who cannot see the points."""
    source = f" and {len(shown.source.points):,} of {shown.source.domain}" if shown.source else ""
    photographs = pluralize(len(shown.target.points), "photograph")
    return f"{shown.model}'s features of {photographs} of {shown.target.domain}{source}"


def describe_calibration(report: ReportContents) -> str:
    """How to read the diagrams, and what the temperature was fitted on."""
    text = (
        "Of photographs with a confidence of 80 %, four in five should be classified correctly: then the bars reach "
        "the dashed line. What a bar lacks of its photographs' mean confidence is orange, what it has beyond that "
        "green; the fainter it is, the fewer they are."
    )
    fitted = next((row for row in report.reliability if row.model == report.this.entry.name and row.fitted_on), None)
    if fitted is not None:
        text += f" The temperature was fitted on {fitted.fitted_on}"
        text += f"; for {fitted.own:,} of these photographs it was fitted on the others." if fitted.own else "."
    return text


def describe_reliability(row: Reliability) -> str:
    """What a reliability diagram is of."""
    at = ", as it is" if row.temperature is None else f", at temperature {row.temperature:.2f}"
    return f"{row.model}{at}: calibration error {format_percent(row.ece)}"
