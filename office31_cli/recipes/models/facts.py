"""What is known about a stored model in words, as the tables of `office31 models` and a report's page tell it."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.filesize import decimal

from office31_cli.outputs.base import Output
from office31_cli.outputs.composite import Composite
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.registry import Entry
from office31_cli.text import format_percent, join_names
from office31_cli.workflow import forced_resume
from office31_cli.workflow.wording import describe_calibration, describe_class_weights, describe_labels


def describe_domains(row: ModelRow) -> str:
    """`amazon, webcam`, of an adapted model `amazon → dslr`."""
    domains = ", ".join(row.domains)
    return domains if row.target is None else f"{domains} → {row.target}".strip()


def describe_model(row: ModelRow) -> str:
    """What made a model of what, how good it is, which labels: `adapt mcc, amazon → dslr, 84.4 %, labels: amazon 9`."""
    what = " ".join(word for word in (row.command, row.way) if word)
    parts = [f"{what}, {describe_domains(row)}" if row.way else f"{what} {describe_domains(row)}"]
    parts += [] if row.accuracy is None else [format_percent(row.accuracy)]
    parts += [f"labels: {describe_labels(row.labels_used)}"]
    return ", ".join(parts)


def list_facts(entry: Entry) -> Iterable[tuple[str, object]]:
    """What a stored model is and how good it is, each fact with its name."""
    stored = entry.card
    row = ModelRow.of(entry)
    yield "id", entry.id
    yield "names", ", ".join(entry.names) or "-"
    yield "made by", f"{stored.command}, {row.created} in {stored.seconds:.0f} s"
    for parent in stored.parents:
        yield "starts from" if parent.role == "start" else parent.role, parent.id
    yield "network", _pairs({key: value for key, value in stored.network.items() if key != "outputs"})
    yield "outputs", _outputs(stored.network.get("outputs"))
    yield "weights", stored.weights
    yield "trained", stored.train
    if balance := stored.configuration.get("class_weights"):
        yield "items balanced", describe_class_weights(str(balance))
    if forced := forced_resume.describe(stored.configuration.get(forced_resume.KEY)):
        yield "not bit-identical", forced
    yield "data", _pairs({key: value for key, value in stored.data.items() if not isinstance(value, dict)})
    yield "items", f"{len(stored.items)}: {join_names(stored.items)}"
    yield "labels used", _pairs(stored.labels_used)
    for part, scores in stored.metrics.items():
        if part == "calibration":
            yield part, _calibration(scores)
        elif isinstance(scores, dict):
            yield f"metrics on {part}", _pairs(scores)
    yield "epochs recorded", len(stored.history)


def list_details(entry: Entry) -> Iterable[tuple[str, object]]:
    """How a stored model was trained and what lies on disk, each fact with its name."""
    stored = entry.card
    yield "preprocessing", _pairs(stored.preprocessing)
    shown_apart = (forced_resume.KEY, "options")
    yield "configuration", _pairs({key: value for key, value in stored.configuration.items() if key not in shown_apart})
    if asked := _asked(stored.configuration.get("options")):
        yield "asked for", _pairs(asked)
    yield "environment", _pairs(stored.environment)
    for part, scores in stored.metrics.items():
        if part != "calibration" and not isinstance(scores, dict):
            yield f"metrics on {part}", _plain(scores)
    for name, record in stored.files.items():
        yield name, f"{decimal(record.bytes)}, SHA-256 {record.sha256}"


def _asked(options: Any) -> dict[str, object]:
    """The options that the model's command was given; none where the card does not record them."""
    asked = options.get("asked") if isinstance(options, dict) else None
    return {key: value for key, value in asked.items() if value} if isinstance(asked, dict) else {}


def _calibration(recorded: Any) -> str:
    """The temperature, and the calibration error without and with it."""
    if recorded is None:
        return "-"
    try:
        return "; ".join(describe_calibration(recorded))
    except (KeyError, TypeError, ValueError):  # another version's
        return "not known to this version"


def _outputs(networks: object) -> str:
    """`item (choice of 31) + domain (choice of 3)`, networks of their own with `/` between them."""
    try:
        composite = Composite.from_json(networks)
    except (KeyError, TypeError, ValueError):  # another version's
        return "not known to this version"
    return " / ".join(" + ".join(map(_output, network)) for network in composite.networks)


def _output(output: Output) -> str:
    kind = f"{output.kind} of {output.width}" if output.width > 1 else output.kind
    weight = "" if output.weight == 1 else f", weight {output.weight:g}"
    return f"{output.name} ({kind}{weight})"


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {_plain(value)}" for key, value in values.items()) or "-"


def _plain(value: object) -> object:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return f"({_pairs(value)})"
    return " + ".join(str(_plain(each)) for each in value) if isinstance(value, list) else value
