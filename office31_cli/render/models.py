"""Stored models as tables and trees."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from office31_cli.history import curves, group_and_name
from office31_cli.outputs.base import Output
from office31_cli.outputs.composite import Composite
from office31_cli.recipes.models.export import Exported
from office31_cli.recipes.models.gc import Collected
from office31_cli.recipes.models.rows import Lineage, ModelRow, Models, Removed, Shown, Verified
from office31_cli.registry import Entry, Problem
from office31_cli.registry.lineage import Node
from office31_cli.render.calibration import mended
from office31_cli.render.console import cell, percent, table
from office31_cli.render.sparkline import course
from office31_cli.render.training import labels
from office31_cli.text import join_names, pluralize, printable
from office31_cli.workflow import resume

if TYPE_CHECKING:
    from office31_cli.models.program import End


def listing(models: Models) -> Table:
    """All models, newest first, in what fits a terminal of 80 columns; `show` and `--json` tell the rest."""
    made = table(
        pluralize(len(models.rows), "model"),
        "model",
        "id",
        "domains",
        ">accuracy",
        caption=None if models.rows else "make one with: office31 pretrain --domain amazon",
    )
    for row in models.rows:
        made.add_row(*_cells(row))
    return made


def problems(title: str, found: Iterable[Problem]) -> Table:
    """What is wrong, file by file."""
    made = table(title, "file", "what is wrong")
    for problem in found:
        made.add_row(cell(problem.path), cell(problem.why))
    return made


def card(shown: Shown, *, drawn: bool = False) -> Table:
    """What is known about one model, a line each; where it is `drawn` the curves of its training, too."""
    entry = shown.entry
    made = table(entry.name, "what", "value")
    for what, value in facts(entry):
        made.add_row(cell(what), cell(value))
    for key, values in curves(entry.card.history).items() if drawn else ():
        made.add_row(cell(" ".join(group_and_name(key))), course(values))
    return made


def tree(lineage: Lineage) -> Iterable[Tree]:
    """One tree for each model that was made from none, or whose parent is not here."""
    for root in lineage.roots:
        top = Tree(_label(root))
        waiting = [(top, root)]
        while waiting:
            branch, node = waiting.pop()
            waiting += [(branch.add(_label(child)), child) for child in node.children]
        yield top


def verified(found: Verified) -> Text | Table:
    """What a check of every byte found."""
    if found.problems:
        return problems(pluralize(len(found.problems), "problem"), found.problems)
    return Text(f"{pluralize(found.models, 'model')} checked, every byte as it should be")


def renamed(shown: Shown) -> Text:
    """The model under its new name."""
    return Text.assemble("model ", cell(shown.entry.id), " is called ", cell(join_names(shown.entry.names)))


def removed(gone: Removed) -> Text:
    """The model that lies in the trash."""
    return Text(f"model {gone.id} is in the trash; office31 models gc gives its space back")


def freed(given: Collected) -> Text:
    """What `gc` gave back, and what it could."""
    gone, runs = given.freed, given.runs
    total = gone.bytes + (runs.bytes if given.forgotten else 0)
    parts = [pluralize(gone.models, "removed model"), pluralize(gone.unfinished, "unfinished one")]
    told = Text(f"{decimal(total)} given back: ")
    if given.forgotten:
        return told.append(f"{', '.join(parts)} and {pluralize(runs.count, 'interrupted run')}")
    told.append(" and ".join(parts))
    if runs.count:
        kept = f"{pluralize(runs.count, 'interrupted run')} ({decimal(runs.bytes)})"
        told.append(f"\n{kept} can be gone on from: office31 models gc --runs forgets them")
    return told


def exported(result: Exported) -> Table:
    """Where the exported model lies, and what is known of it."""
    made = table(f"model {result.entry.name} written to {result.path}", "", "")
    made.show_header = False
    made.add_row("format", f"{result.format}, {decimal(result.path.stat().st_size)}, {result.seconds:.1f} s")
    if result.written:
        graph, parity = result.written.graph, result.written.parity
        made.add_row("takes", cell(_end(graph.given)))
        made.add_row("answers", cell(", ".join(map(_end, graph.answers))))
        shown = f"{pluralize(parity.pictures, 'picture')} drawn for it"
        if parity.source is not None:
            shown = f"{pluralize(parity.pictures, 'photograph')} of {printable(parity.source)}"
        made.add_row("compared", f"on {shown}")
        made.add_row("", f"the same item is likeliest on {parity.agreeing:,}")
        made.add_row("", f"no logit is further than {parity.largest_difference:.1e} from the model's")
    if result.card:
        made.add_row("model card", cell(result.card))
    return made


def imported(row: ModelRow) -> Text:
    """The name of the imported model."""
    return Text.assemble("stored as ", cell(row.model), f" ({row.id})")


def _cells(row: ModelRow) -> list[Text]:
    texts = (row.model, row.id, _domains(row), percent(row.accuracy))
    return [cell(text) for text in texts]


def _domains(row: ModelRow) -> str:
    """`amazon, webcam`, of an adapted model `amazon → dslr`."""
    learnt = ", ".join(row.domains)
    return learnt if row.target is None else f"{learnt} → {row.target}".strip()


def _label(node: Node) -> Text:
    """A model in the tree, or what stands for one that is not here."""
    if node.entry is None:
        command = f" {node.card.command}" if node.card else ""
        return Text.assemble(cell(node.id + command), (f" ({node.state})", "dim"))
    row = ModelRow.of(node.entry)
    return Text.assemble((cell(row.model).plain, "bold"), cell(f" {in_short(row)} "), (row.id, "dim"))


def in_short(row: ModelRow) -> str:
    """What made a model of what, how good it is, which labels: `adapt mcc, amazon → dslr, 84.4 %, labels: amazon 9`."""
    what = " ".join(word for word in (row.command, row.way) if word)
    told = [f"{what}, {_domains(row)}" if row.way else f"{what} {_domains(row)}"]
    told += [] if row.accuracy is None else [percent(row.accuracy)]
    told += [f"labels: {labels(row.labels_used)}"]
    return ", ".join(told)


def facts(entry: Entry) -> Iterable[tuple[str, object]]:
    """What is known about a stored model, each with its name."""
    stored = entry.card
    row = ModelRow.of(entry)
    yield "id", entry.id
    yield "names", ", ".join(entry.names) or "-"
    yield "made by", f"{stored.command}, {row.created} in {stored.seconds:.0f} s"
    for parent in stored.parents:
        yield parent.role, parent.id
    yield "network", _pairs({key: value for key, value in stored.network.items() if key != "outputs"})
    yield "outputs", _outputs(stored.network.get("outputs"))
    yield "weights", stored.weights
    yield "trained", stored.train
    if told := resume.in_words(stored.configuration.get(resume.KEY)):
        yield "not bit-identical", told
    yield "data", _pairs({key: value for key, value in stored.data.items() if not isinstance(value, dict)})
    yield "items", f"{len(stored.items)}: {join_names(stored.items)}"
    yield "labels used", _pairs(stored.labels_used)
    yield "preprocessing", _pairs(stored.preprocessing)
    yield "configuration", _pairs({key: value for key, value in stored.configuration.items() if key != resume.KEY})
    yield "environment", _pairs(stored.environment)
    for part, scores in stored.metrics.items():
        if part == "calibration":
            yield part, _calibration(scores)
        else:
            yield f"metrics on {part}", _pairs(scores) if isinstance(scores, dict) else scores
    yield "epochs recorded", len(stored.history)
    for name, record in stored.files.items():
        yield name, f"{decimal(record.bytes)}, SHA-256 {record.sha256}"


def _calibration(told: Any) -> str:
    """What mends the model's confidence, and what that did where it was fitted."""
    if told is None:
        return "-"
    try:
        return "; ".join(mended(told))
    except (KeyError, TypeError, ValueError):  # another version's
        return "not known to this version"


def _end(end: "End") -> str:
    """`item (n, 31)`"""
    return f"{end.name} ({', '.join(map(str, end.shape))})"


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
    if isinstance(value, dict):
        return f"({_pairs(value)})"
    return " + ".join(map(str, value)) if isinstance(value, list) else value
