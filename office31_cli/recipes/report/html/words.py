"""What the page says: a sentence for each figure, made from the same numbers."""

import shlex
from collections.abc import Mapping, Sequence

from office31_cli import text
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.results import ModelEmbedding, Reliability, ReportContents, View
from office31_cli.text import join_names, pluralize

SIGNIFICANT = 0.05

_WIDEST = 96
"""Characters of a line of a command."""

RIGHTS = "Pass them on only as its terms allow; Office-31 is for research use."


def percent(fraction: float | None) -> str:
    """As on the terminal, but never broken at the end of a line."""
    return text.format_percent(fraction).replace(" ", "\N{NO-BREAK SPACE}")


def points(difference: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    told = f"{100 * difference:+.0f}"
    return "±0" if told in ("+0", "-0") else told.replace("-", "\N{MINUS SIGN}")


def confidence(share: float) -> str:
    """A confidence, of which only certainty is told as 100 %."""
    return "over\N{NO-BREAK SPACE}99.9\N{NO-BREAK SPACE}%" if 0.9995 <= share < 1 else percent(share)


def command(words: Sequence[str]) -> list[str]:
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


def made(view: View) -> str:
    """How the model came to be, in a line."""
    card, row = view.entry.card, ModelRow.of(view.entry)
    learnt = " and ".join(row.domains)
    way = card.configuration.get("strategy" if row.target is None else "method")
    by = f" by {way}" if isinstance(way, str) else ""
    if row.target is not None:
        return f"Adapted from {learnt or 'its parent alone'} to {row.target}{by}"
    return f"{'Fine-tuned' if card.command == 'finetune' else 'TrainingResult'} on {learnt}{by}"


def honesty(report: ReportContents) -> str:
    """Whether the score is an honest one."""
    target = report.this.target
    if seen := int(target.seen.sum()):
        count = pluralize(len(target.photographs), "photograph")
        return f"Not an honest score: the model has learnt the labels of {seen:,} of these {count}."
    told = "The model has learnt none of their labels"
    adapted = ModelRow.of(report.this.entry).target == target.photographs.domain
    return f"{told}; it saw the photographs themselves while it was adapted." if adapted else f"{told}."


def others_honesty(report: ReportContents) -> str:
    """Whether the other model's score is."""
    if report.other is None or not (seen := int(report.other.target.seen.sum())):
        return ""
    return f"{report.other.entry.name} has learnt the labels of {seen:,} of them, which flatters it."


def paired(report: ReportContents) -> str:
    """What McNemar's test says of the two models."""
    found, other = report.paired, report.other
    assert found is not None
    assert other is not None
    verdict = "more than chance explains" if found.p_value < SIGNIFICANT else "what chance could do as well"
    p_value = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
    return (
        f"This model alone names {found.only_this:,} of them rightly, {other.entry.name} alone {found.only_other:,}: "
        f"{verdict} ({p_value}, McNemar's exact test)."
    )


def scores(report: ReportContents) -> str:
    """For those who cannot see the intervals."""
    scored = [view.scored for view in (report.other, report.this) if view and view.scored]
    told = (
        f"{each.model} {percent(each.accuracy)}, {percent(each.ci95[0])} to {percent(each.ci95[1])}" for each in scored
    )
    return f"Accuracy with its 95 % interval: {'; '.join(told)}"


def family(report: ReportContents) -> str:
    """For those who cannot see the tree."""
    line = [relative.name for relative in report.family if relative.role]
    return f"Tree of {pluralize(len(report.family), 'model')}, among them {join_names(line)}"


def epochs(report: ReportContents) -> str:
    """Which of the epochs is stored, and which one labels or a validator would have stored."""
    picked, accuracies = report.curves.picked, [*report.curves.accuracies.values()]
    if picked is None or not accuracies:
        return ""
    values = accuracies[-1]
    chosen = f", {percent(values[picked - 1])}" if 0 < picked <= len(values) else ""
    return (
        f"Stored is the last epoch, {percent(values[-1])}; the ring marks the one that the validator would pick "
        f"without labels{chosen}. The best, {percent(max(values))}, only labels tell: it is the oracle's. The "
        "accuracies were measured when the training was over, and took no part in it."
    )


def curve(what: str, series: Mapping[str, Sequence[float]]) -> str:
    """For those who cannot see the curves."""
    ends = "; ".join(f"{name} from {row[0]:.3g} to {row[-1]:.3g}".strip() for name, row in series.items())
    return f"{what} over {pluralize(max(map(len, series.values())), 'epoch')}: {ends}"


def items(report: ReportContents) -> str:
    """The items that need most attention."""
    return f"Worst named: {join_names(f'{row.item} {percent(row.accuracy)}' for row in report.per_item[:3])}."


def gains(report: ReportContents) -> str:
    """Where the two models differ most."""
    rows = [(row.accuracy - row.other, row.item) for row in report.per_item if row.other is not None]
    if not rows:
        return ""
    (most, best), (least, worst) = max(rows), min(rows)
    lost = f", most lost for {worst} ({points(least)})" if least < 0 else ""
    return f"Most was gained for {best} ({points(most)} points){lost}." if most > 0 else ""


def confusion(report: ReportContents) -> str:
    """The commonest mistakes."""
    assert report.this.scored is not None
    told = [f"{pair['actual']} for {pair['predicted']} ({pair['photographs']})" for pair in report.this.scored.confused]
    return f"Most often taken: {join_names(told)}." if told else "Nothing is taken for anything else."


def embedding(report: ReportContents) -> str:
    """What the points are, and what of their places means something."""
    shown = report.embedding
    assert shown is not None
    first = shown.panels[0]
    of = f"{first.source.domain} and {first.target.domain}" if first.source else first.target.domain
    told = f"What the last layer sees in photographs of {of}, laid out by {shown.called}, which sees no labels."
    if shown.kind == "tsne":
        told += " Groups mean something; the distances between them do not."
    if len(shown.panels) > 1:
        told += (
            " Both pictures are one map: the same place means the same."
            if shown.shared
            else " Each is a map of its own."
        )
    near = [f"{percent(each.neighbours)} ({each.model})" for each in shown.panels if each.neighbours is not None]
    if near and first.source:
        told += (
            f" The nearest photograph of {first.source.domain} shows the same item for {' and '.join(near)} "
            f"of those of {first.target.domain}."
        )
    return told


def panel(shown: ModelEmbedding) -> str:
    """For those who cannot see the points."""
    source = f" and {len(shown.source.points):,} of {shown.source.domain}" if shown.source else ""
    photographs = pluralize(len(shown.target.points), "photograph")
    return f"What {shown.model} sees in {photographs} of {shown.target.domain}{source}"


def calibration(report: ReportContents) -> str:
    """How to read the diagrams, and where a temperature comes from."""
    told = (
        "Of photographs named with a confidence of 80 %, four in five should be right: then the bars reach the dashed "
        "line. What a bar lacks of its photographs' mean confidence is orange, what it has beyond that green; the "
        "fainter it is, the fewer they are."
    )
    fitted = next((row for row in report.reliability if row.model == report.this.entry.name and row.fitted_on), None)
    if fitted is not None:
        told += f" The temperature was fitted on {fitted.fitted_on}"
        told += f"; {fitted.own:,} of these photographs took part, each judged as if it had not." if fitted.own else "."
    return told


def reliability(row: Reliability) -> str:
    """What a reliability diagram is of."""
    at = ", as it is" if row.temperature is None else f", at temperature {row.temperature:.2f}"
    return f"{row.model}{at}: calibration error {percent(row.ece)}"
