"""The tree of models that a reported model belongs to."""

from collections.abc import Iterable

from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.results import FamilyMember
from office31_cli.registry import Registry
from office31_cli.registry.lineage import Node, build_forest

MOST_BESIDE = 4
"""Children of a model that are shown beside those on the lines, the newest ones; the others are counted."""


def trace_lines(*ids: str) -> list[list[Node]]:
    """For each stored model its line of descent, from the oldest ancestor to the model itself."""
    roots = build_forest(Registry())
    above: dict[str, Node] = {}
    nodes: dict[str, Node] = {}
    waiting = [*roots]
    while waiting:
        node = waiting.pop()
        nodes[node.id] = node
        above |= {child.id: node for child in node.children}
        waiting += node.children
    return [[*reversed([*_climb(nodes[model_id], above)])] for model_id in ids]


def _climb(node: Node, above: dict[str, Node]) -> Iterable[Node]:
    """The node, then its ancestors."""
    yield node
    while node.id in above:
        node = above[node.id]
        yield node


def build_family(this: list[Node], other: list[Node] | None = None) -> list[FamilyMember]:
    """The tree of one or two lines of descent: the models on them, and those made from these directly."""
    wanted = [this] if other is None else [this, other]
    kept = {node.id for line in wanted for node in line}
    ends = {line[-1].id: role for line, role in zip(wanted, ("this", "other"), strict=False)}
    rows: list[FamilyMember] = []
    roots = {line[0].id: line[0] for line in wanted}
    waiting: list[tuple[Node | int, int]] = [(root, 0) for root in reversed(roots.values())]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, int):
            rows.append(FamilyMember(depth, "", "left out", None, "", node))
            continue
        rows.append(_build_member(node, depth, ends.get(node.id, "ancestor" if node.id in kept else "")))
        if node.id in kept:
            shown, left_out = _choose_children(node, kept)
            below: list[Node | int] = [*shown, *([left_out] if left_out else [])]
            waiting += [(child, depth + 1) for child in reversed(below)]
    return rows


def _choose_children(node: Node, kept: set[str]) -> tuple[list[Node], int]:
    """The models made from this one that are shown, oldest first, and the number of the others."""
    beside = [child for child in node.children if child.id not in kept]
    left_out = {child.id for child in beside[:-MOST_BESIDE]}
    return [child for child in node.children if child.id not in left_out], len(left_out)


def _build_member(node: Node, depth: int, role: str) -> FamilyMember:
    row = ModelRow.of(node.entry) if node.entry else None
    return FamilyMember(depth, row.model if row else node.id, node.state, row, role, 0)
