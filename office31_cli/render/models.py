"""Stored models as tables and trees."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from office31_cli.history import curves, parse_key
from office31_cli.recipes.models.facts import describe_domains, describe_model, list_facts
from office31_cli.recipes.models.gc import Cleanup
from office31_cli.recipes.models.results import ExportResult
from office31_cli.recipes.models.rows import Lineage, ModelDetails, ModelList, ModelRow, Removal, Verification
from office31_cli.registry import Problem
from office31_cli.registry.lineage import Node
from office31_cli.render.console import build_cell, build_table
from office31_cli.render.sparkline import format_curve
from office31_cli.text import format_percent, join_names, pluralize, printable

if TYPE_CHECKING:
    from office31_cli.models.program import TensorSpec


def render_list(models: ModelList) -> Table:
    """All models, newest first, in what fits a terminal of 80 columns; `show` and `--json` tell the rest."""
    made = build_table(
        pluralize(len(models.rows), "model"),
        "model",
        "id",
        "domains",
        ">accuracy",
        caption=None if models.rows else "make one with: office31 pretrain --domain amazon",
    )
    for row in models.rows:
        made.add_row(*_build_row(row))
    return made


def build_problems_table(title: str, found: Iterable[Problem]) -> Table:
    """What is wrong, file by file."""
    made = build_table(title, "file", "what is wrong")
    for problem in found:
        made.add_row(build_cell(problem.path), build_cell(problem.why))
    return made


def render_model(shown: ModelDetails, *, charts: bool = False) -> Table:
    """What is known about one model, a line each; where it is `drawn` the curves of its training, too."""
    entry = shown.entry
    made = build_table(entry.name, "what", "value")
    for what, value in list_facts(entry):
        made.add_row(build_cell(what), build_cell(value))
    for key, values in curves(entry.card.history).items() if charts else ():
        made.add_row(build_cell(" ".join(parse_key(key))), format_curve(values))
    return made


def render_tree(lineage: Lineage) -> Iterable[Tree]:
    """One tree for each model that was made from none, or whose parent is not here."""
    for root in lineage.roots:
        top = Tree(_format_node(root))
        waiting = [(top, root)]
        while waiting:
            branch, node = waiting.pop()
            waiting += [(branch.add(_format_node(child)), child) for child in node.children]
        yield top


def render_verification(found: Verification) -> Text | Table:
    """What a check of every byte found."""
    if found.problems:
        return build_problems_table(pluralize(len(found.problems), "problem"), found.problems)
    return Text(f"{pluralize(found.models, 'model')} checked, every byte as it should be")


def render_renaming(shown: ModelDetails) -> Text:
    """The model under its new name."""
    return Text.assemble("model ", build_cell(shown.entry.id), " is called ", build_cell(join_names(shown.entry.names)))


def render_removal(gone: Removal) -> Text:
    """The model that lies in the trash."""
    return Text(f"model {gone.id} is in the trash; office31 models gc gives its space back")


def render_cleanup(given: Cleanup) -> Text:
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


def render_export(result: ExportResult) -> Table:
    """Where the exported model lies, and what is known of it."""
    made = build_table(f"model {result.entry.name} written to {result.path}", "", "")
    made.show_header = False
    made.add_row("format", f"{result.format}, {decimal(result.path.stat().st_size)}, {result.seconds:.1f} s")
    if result.graph:
        graph, parity = result.graph.graph, result.graph.parity
        made.add_row("takes", build_cell(_format_end(graph.input)))
        made.add_row("answers", build_cell(", ".join(map(_format_end, graph.outputs))))
        shown = f"{pluralize(parity.pictures, 'picture')} drawn for it"
        if parity.source is not None:
            shown = f"{pluralize(parity.pictures, 'photograph')} of {printable(parity.source)}"
        made.add_row("compared", f"on {shown}")
        made.add_row("", f"the same item is likeliest on {parity.agreeing:,}")
        made.add_row("", f"no logit is further than {parity.largest_difference:.1e} from the model's")
    if result.card:
        made.add_row("model card", build_cell(result.card))
    return made


def render_import(row: ModelRow) -> Text:
    """The name of the imported model."""
    return Text.assemble("stored as ", build_cell(row.model), f" ({row.id})")


def _build_row(row: ModelRow) -> list[Text]:
    texts = (row.model, row.id, describe_domains(row), format_percent(row.accuracy))
    return [build_cell(text) for text in texts]


def _format_node(node: Node) -> Text:
    """A model in the tree, or what stands for one that is not here."""
    if node.entry is None:
        command = f" {node.card.command}" if node.card else ""
        return Text.assemble(build_cell(node.id + command), (f" ({node.state})", "dim"))
    row = ModelRow.of(node.entry)
    return Text.assemble((build_cell(row.model).plain, "bold"), build_cell(f" {describe_model(row)} "), (row.id, "dim"))


def _format_end(end: "TensorSpec") -> str:
    """`item (n, 31)`"""
    return f"{end.name} ({', '.join(map(str, end.shape))})"
