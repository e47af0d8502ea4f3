"""Which model was made from which, removed models included."""

import contextlib
from dataclasses import dataclass, field
from typing import Literal

from office31_cli.errors import Office31Error
from office31_cli.registry import card as cards
from office31_cli.registry.card import Card
from office31_cli.registry.entry import Entry
from office31_cli.registry.layout import Layout, read_small
from office31_cli.registry.store import Registry


@dataclass
class Node:
    """A model in the forest of all models; one with several parents is a child of the first."""

    id: str
    state: Literal["stored", "removed", "missing"]
    """`removed` by force although others descended from it; `missing` if it was never here or cannot be read."""
    entry: Entry | None = None
    card: Card | None = None
    """A removed model has one too: its tombstone is its card."""
    children: list["Node"] = field(default_factory=list)


def build_forest(registry: Registry) -> list[Node]:
    """The roots of the forest, every model below the one it was made from, older ones first."""
    entries = registry.entries()
    nodes = {entry.id: Node(entry.id, "stored", entry, entry.card) for entry in entries}
    pending = [parent.id for entry in entries for parent in entry.card.parents[:1]]
    while pending:
        model_id = pending.pop()
        if model_id not in nodes:
            nodes[model_id] = node = _load_removed(registry.layout, model_id)
            pending += _list_parent_ids(node)
    roots: list[Node] = []
    for node in sorted(nodes.values(), key=_get_age):
        siblings = [nodes[parent].children for parent in _list_parent_ids(node)]
        (siblings[0] if siblings else roots).append(node)
    return roots


def list_ancestors(registry: Registry, entry: Entry) -> list[Node]:
    """The ancestors of a model by first parents, the nearest first, removed ones included."""
    ancestors: list[Node] = []
    nearest = Node(entry.id, "stored", entry, entry.card)
    while parents := _list_parent_ids(nearest):
        (model_id,) = parents
        try:
            parent = registry.find(model_id)
            nearest = Node(model_id, "stored", parent, parent.card)
        except Office31Error:
            nearest = _load_removed(registry.layout, model_id)
        ancestors.append(nearest)
    return ancestors


def _get_age(node: Node) -> tuple[str, str]:
    return (node.card.created if node.card else "", node.id)


def _load_removed(layout: Layout, model_id: str) -> Node:
    path = layout.tombstones / model_id
    with contextlib.suppress(FileNotFoundError, Office31Error):
        raw = read_small(path, cards.LARGEST)
        return Node(model_id, "removed", card=cards.decode(raw, str(path), model_id=model_id))
    return Node(model_id, "missing")


def _list_parent_ids(node: Node) -> list[str]:
    return [parent.id for parent in node.card.parents[:1]] if node.card else []
