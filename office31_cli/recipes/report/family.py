"""The models that a model comes from, and those that were made from it or from them."""

from collections.abc import Iterable

from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.results import Relative
from office31_cli.registry import Registry
from office31_cli.registry.lineage import Node, forest

MOST_BESIDE = 4
"""Models below another that are shown beside those that matter, the newest ones; the rest is counted."""


def lines(*ids: str) -> list[list[Node]]:
    """For each of some stored models the line that leads to it, from the oldest ancestor on."""
    roots = forest(Registry())
    above: dict[str, Node] = {}
    nodes: dict[str, Node] = {}
    waiting = [*roots]
    while waiting:
        node = waiting.pop()
        nodes[node.id] = node
        above |= {child.id: node for child in node.children}
        waiting += node.children
    return [[*reversed([*_upwards(nodes[model_id], above)])] for model_id in ids]


def _upwards(node: Node, above: dict[str, Node]) -> Iterable[Node]:
    yield node
    while node.id in above:
        node = above[node.id]
        yield node


def family(this: list[Node], other: list[Node] | None = None) -> list[Relative]:
    """The trees that hold the ends of these lines: the lines themselves and what hangs on them directly."""
    wanted = [this] if other is None else [this, other]
    kept = {node.id for line in wanted for node in line}
    ends = {line[-1].id: role for line, role in zip(wanted, ("this", "other"), strict=False)}
    rows: list[Relative] = []
    roots = {line[0].id: line[0] for line in wanted}
    waiting: list[tuple[Node | int, int]] = [(root, 0) for root in reversed(roots.values())]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, int):
            rows.append(Relative(depth, "", "left out", None, "", node))
            continue
        rows.append(_relative(node, depth, ends.get(node.id, "ancestor" if node.id in kept else "")))
        if node.id in kept:
            shown, left_out = _children(node, kept)
            below: list[Node | int] = [*shown, *([left_out] if left_out else [])]
            waiting += [(child, depth + 1) for child in reversed(below)]
    return rows


def _children(node: Node, kept: set[str]) -> tuple[list[Node], int]:
    """Those to show, oldest first, and the number of the others."""
    beside = [child for child in node.children if child.id not in kept]
    left_out = {child.id for child in beside[:-MOST_BESIDE]}
    return [child for child in node.children if child.id not in left_out], len(left_out)


def _relative(node: Node, depth: int, role: str) -> Relative:
    row = ModelRow.of(node.entry) if node.entry else None
    return Relative(depth, row.model if row else node.id, node.state, row, role, 0)
