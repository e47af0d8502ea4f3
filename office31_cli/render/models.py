"""Stored models as tables and trees."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from office31_cli.history import curves, parse_key
from office31_cli.recipes.models.facts import describe_domains, describe_model, list_details, list_facts
from office31_cli.recipes.models.gc import Cleanup
from office31_cli.recipes.models.results import ExportResult
from office31_cli.recipes.models.rows import Lineage, ModelDetails, ModelList, ModelRow, Removal, Verification
from office31_cli.registry import Problem
from office31_cli.registry.lineage import Node
from office31_cli.render.console import build_cell, build_facts, build_table
from office31_cli.render.sparkline import format_curve
from office31_cli.text import format_percent, join_names, pluralize

if TYPE_CHECKING:
    from office31_cli.models.program import TensorSpec


def render_list(models: ModelList) -> Table:
    """All models, newest first, in what fits a terminal of 80 columns; `show` and `--json` have the rest."""
    caption = None if models.rows else "make one with: office31 pretrain --domain amazon"
    table = build_table(pluralize(len(models.rows), "model"), "model", "id", "domains", ">accuracy", caption=caption)
    for row in models.rows:
        table.add_row(*map(build_cell, (row.model, row.id, describe_domains(row), format_percent(row.accuracy))))
    return table


def build_problems_table(title: str, problems: Iterable[Problem]) -> Table:
    """What is wrong, file by file."""
    table = build_table(title, "file", "what is wrong")
    for problem in problems:
        table.add_row(build_cell(problem.path), build_cell(problem.why))
    return table


def render_model(result: ModelDetails, *, details: bool = False, charts: bool = False) -> Iterable[RenderableType]:
    """What a model is, a line each; with `details` also how it was trained and what lies on disk.

    `charts` adds the curves of its training.
    """
    entry = result.entry
    rows = [*list_facts(entry)]
    if charts:
        rows += [(" ".join(parse_key(key)), format_curve(course)) for key, course in curves(entry.card.history).items()]
    if details:
        rows += [(name, _shorten_digest(str(value))) for name, value in list_details(entry)]
    yield build_facts(entry.name, rows)
    if not details:
        yield Text("configuration, environment, preprocessing and files: --details", style="dim")


def _shorten_digest(text: str) -> str:
    """The first 16 digits of a SHA-256, which would not fit a line; `--json` has them all."""
    return re.sub(r"\b([0-9a-f]{16})[0-9a-f]{48}\b", r"\1…", text)


def render_tree(lineage: Lineage) -> Iterable[Tree]:
    """One tree for each model that was made from none, or whose parent is not here."""
    for root in lineage.roots:
        top = Tree(_format_node(root))
        waiting = [(top, root)]
        while waiting:
            branch, node = waiting.pop()
            waiting += [(branch.add(_format_node(child)), child) for child in node.children]
        yield top


def render_verification(result: Verification) -> Text | Table:
    """Whether every stored byte is as it was written."""
    if result.problems:
        return build_problems_table(pluralize(len(result.problems), "problem"), result.problems)
    return Text(f"{pluralize(result.models, 'model')} checked, every byte as it should be")


def render_renaming(result: ModelDetails) -> Text:
    """The model under its new name."""
    entry = result.entry
    return Text.assemble("model ", build_cell(entry.id), " is called ", build_cell(join_names(entry.names)))


def render_removal(result: Removal) -> Text:
    """Where the model is now, and how to delete it for good."""
    return Text(f"model {result.id} is in the trash; office31 models gc deletes it")


def render_cleanup(result: Cleanup) -> Text:
    """What `gc` deleted, and what it could delete."""
    freed, runs = result.freed, result.runs
    total = freed.bytes + (runs.bytes if result.forgotten else 0)
    parts = [pluralize(freed.models, "removed model"), pluralize(freed.unfinished, "unfinished one")]
    text = f"{decimal(total)} freed: "
    if result.forgotten:
        return Text(f"{text}{', '.join(parts)} and {pluralize(runs.count, 'interrupted run')}")
    text += " and ".join(parts)
    if runs.count:
        kept = f"{pluralize(runs.count, 'interrupted run')} ({decimal(runs.bytes)})"
        text += f"\n{kept} can be resumed; office31 models gc --runs deletes what is kept of them"
    return Text(text)


def render_export(result: ExportResult) -> Table:
    """The file, and how it was compared with the model."""
    rows = [("format", f"{result.format}, {decimal(result.path.stat().st_size)}, {result.seconds:.1f} s")]
    if result.graph:
        graph, parity = result.graph.graph, result.graph.parity
        source = f"{pluralize(parity.pictures, 'picture')} drawn for it"
        if parity.source is not None:
            source = f"{pluralize(parity.pictures, 'photograph')} of {parity.source}"
        rows += [
            ("input", _format_tensor(graph.input)),
            ("outputs", ", ".join(map(_format_tensor, graph.outputs))),
            ("compared", f"on {source}"),
            ("", f"the same item is likeliest on {parity.agreeing:,}"),
            ("", f"no logit differs from the model's by more than {parity.largest_difference:.1e}"),
        ]
    if result.card:
        rows.append(("model card", str(result.card)))
    return build_facts(f"model {result.entry.name} written to {result.path}", rows)


def render_import(row: ModelRow) -> Text:
    """The name of the imported model."""
    return Text.assemble("stored as ", build_cell(row.model), f" ({row.id})")


def _format_node(node: Node) -> Text:
    """A model in the tree, or what stands for one that is not here."""
    if node.entry is None:
        command = f" {node.card.command}" if node.card else ""
        return Text.assemble(build_cell(node.id + command), (f" ({node.state})", "dim"))
    row = ModelRow.of(node.entry)
    return Text.assemble((build_cell(row.model).plain, "bold"), build_cell(f" {describe_model(row)} "), (row.id, "dim"))


def _format_tensor(spec: "TensorSpec") -> str:
    """`item (n, 31)`"""
    return f"{spec.name} ({', '.join(map(str, spec.shape))})"
