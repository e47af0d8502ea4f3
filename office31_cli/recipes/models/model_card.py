"""A model card: what Hugging Face reads at its head, and below it scores that say which labels were seen."""

import shlex
from collections.abc import Iterator

from office31_cli.data import sets
from office31_cli.models import formats
from office31_cli.recipes.models.front_matter import Value, front_matter
from office31_cli.recipes.models.results import BUNDLE, ExportResult
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.registry.card import Card
from office31_cli.results import Evaluation
from office31_cli.text import format_interval, format_percent, pluralize
from office31_cli.text_table import TextTable, escape_markdown
from office31_cli.workflow.wording import describe_labels


def write_card(exported: ExportResult) -> str:
    """The whole card. Names from data sets are inert in it, in the YAML of its head as in its Markdown."""
    return "\n\n".join([_head(exported), *_body(exported)]) + "\n"


def _head(exported: ExportResult) -> str:
    """As https://huggingface.co/docs/hub/model-cards asks for."""
    card = exported.entry.card
    data = card.data.get("name")
    fields: dict[str, Value] = {
        **_licence(data),
        "library_name": "office31-cli" if exported.format == BUNDLE else formats.load(exported.format).library,
        "pipeline_tag": "image-classification",
        "tags": ["office31", str(card.network.get("backbone")), card.command],
        **({"datasets": [data]} if isinstance(data, str) else {}),
        "metrics": ["accuracy"],
    }
    if exported.scores:
        results: list[Value] = [_result(score) for score in exported.scores]
        fields["model-index"] = [{"name": exported.entry.name, "results": results}]
    return front_matter(fields)


def _licence(data: object) -> dict[str, Value]:
    known = sets.find(data)
    if known is None or known.licence_name is None:
        return {"license": "unknown"}
    return {"license": "other", "license_name": known.licence_name}


def _result(score: Evaluation) -> Value:
    domain, _, part = score.split.rpartition(":")
    named = f"Accuracy, 95 % interval {format_interval(score.ci95)}, {pluralize(score.photographs, 'photograph')}"
    return {
        "task": {"type": "image-classification"},
        "dataset": {"type": score.data, "name": f"{score.data}, {domain}", "config": domain, "split": part},
        "metrics": [
            {"type": "accuracy", "value": score.accuracy, "name": named},
            {"type": "macro_accuracy", "value": score.macro_accuracy, "name": "Mean of the items' accuracies"},
            {"type": "ece", "value": _ece(score), "name": "Expected calibration error"},
        ],
    }


def _ece(score: Evaluation) -> float:
    """Of the probabilities as the file tells them: at the temperature, where the model has one."""
    after = score.calibration["ece_after"]
    return score.ece if after is None else float(after)


def _body(exported: ExportResult) -> Iterator[str]:
    card = exported.entry.card
    yield f"# {escape_markdown(exported.entry.name)}"
    items = ", ".join(map(escape_markdown, card.items))
    yield f"Names which of {pluralize(len(card.items), 'item')} is on a photograph: {items}."
    yield "## Scores"
    yield from _scores(exported)
    yield "## Use"
    yield from _use(exported)
    yield "## Where it comes from"
    yield from _origin(exported)
    yield "## Licence"
    known = sets.find(card.data.get("name"))
    yield (
        "office31 is under the MIT licence. That says nothing of these weights: they follow from photographs"
        + (f" that are {known.licence} ({known.title})" if known is not None and known.licence else "")
        + f" and from the weights that the training began with ({escape_markdown(card.weights)})."
    )


def _scores(exported: ExportResult) -> Iterator[str]:
    card = exported.entry.card
    seen = escape_markdown(describe_labels(card.labels_used)) if card.labels_used else "not known"
    yield f"Labels seen in training, that of the models it was made from included: {seen}."
    target = card.configuration.get("target")
    if card.command == "adapt" and isinstance(target, str):
        yield f"It was trained on the photographs of {escape_markdown(target)}, too, without their labels."
    if not exported.scores:
        named = format_percent(ModelRow.of(exported.entry).accuracy)
        yield f"Its data set was not at hand for scoring. Accuracy as recorded when it was trained: {named}."
        return
    columns = ("part", ">photographs", ">accuracy", "95 % interval", ">mean over items", ">calibration error")
    rows = [
        (
            score.split,
            f"{score.photographs:,}",
            format_percent(score.accuracy),
            format_interval(score.ci95),
            format_percent(score.macro_accuracy),
            format_percent(_ece(score)),
        )
        for score in exported.scores
    ]
    title = "On photographs whose labels it has not seen"
    yield TextTable(
        title, columns, rows, "Wilson's interval. Parts: all of a domain, or test, what was held out."
    ).to_markdown()


def _use(exported: ExportResult) -> Iterator[str]:
    written = exported.graph
    if written is None:
        yield f"```console\n$ office31 models import {shlex.quote(exported.path.name)}\n```"
        return
    yield "\n".join(["```python", *written.usage, "```"])
    ends = (written.graph.input, *written.graph.outputs)
    rows = [(end.name, end.type, ", ".join(map(str, end.shape)), end.meaning) for end in ends]
    yield TextTable("What goes in, and what comes out", ("name", "type", "shape", "meaning"), rows).to_markdown()
    parity = written.parity
    shown = "drawn pictures" if parity.source is None else f"photographs of {escape_markdown(parity.source)}"
    yield (
        f"On {parity.pictures:,} {shown} the file was compared with the model, both in single precision: the same "
        f"item is likeliest on {parity.agreeing:,}, and no logit is further than {parity.largest_difference:.1e} away."
    )


def _origin(exported: ExportResult) -> Iterator[str]:
    entry = exported.entry
    made = [(entry.id, entry.card), *((node.id, node.card) for node in exported.ancestors)]
    rows = [(model_id, *_how(card)) for model_id, card in made]
    yield TextTable(
        "The model, then what it was made from", ("id", "made by", "network", "weights"), rows
    ).to_markdown()
    environment = [(name, str(value)) for name, value in entry.card.environment.items()]
    yield TextTable("Trained with", ("what", "value"), environment).to_markdown()


def _how(card: Card | None) -> tuple[str, str, str]:
    if card is None:
        return "no longer known", "", ""
    domains = ", ".join(map(str, card.data.get("domains", ())))
    target = card.configuration.get("target")
    domains = f"{domains} to {target}" if card.command == "adapt" else domains
    return f"{card.command}, {domains}", f"{card.network.get('backbone')}, {card.train} trained", card.weights
