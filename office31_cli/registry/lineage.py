"""Which model was made from which, the removed ones included."""

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
    """A model in the forest of models; one with several parents stands below the first."""

    id: str
    state: Literal["stored", "removed", "missing"]
    """`removed` with force while others descended from it; `missing` was never here, or cannot be read."""
    entry: Entry | None = None
    card: Card | None = None
    """Also there for a removed model: its tombstone is its card."""
    children: list["Node"] = field(default_factory=list)


def build_forest(registry: Registry) -> list[Node]:
    """All models below those that they were made from, older ones first."""
    entries = registry.entries()
    nodes = {entry.id: Node(entry.id, "stored", entry, entry.card) for entry in entries}
    waiting = [parent.id for entry in entries for parent in entry.card.parents[:1]]
    while waiting:
        model_id = waiting.pop()
        if model_id not in nodes:
            nodes[model_id] = node = _absent(registry.layout, model_id)
            waiting += _parent_of(node)
    roots: list[Node] = []
    for node in sorted(nodes.values(), key=_age):
        siblings = [nodes[parent].children for parent in _parent_of(node)]
        (siblings[0] if siblings else roots).append(node)
    return roots


def list_ancestors(registry: Registry, entry: Entry) -> list[Node]:
    """The models that one was made from, the nearest first, removed ones included."""
    found: list[Node] = []
    nearest = Node(entry.id, "stored", entry, entry.card)
    while parents := _parent_of(nearest):
        (model_id,) = parents
        try:
            parent = registry.find(model_id)
            nearest = Node(model_id, "stored", parent, parent.card)
        except Office31Error:
            nearest = _absent(registry.layout, model_id)
        found.append(nearest)
    return found


def _age(node: Node) -> tuple[str, str]:
    return (node.card.created if node.card else "", node.id)


def _absent(layout: Layout, model_id: str) -> Node:
    path = layout.tombstones / model_id
    with contextlib.suppress(FileNotFoundError, Office31Error):
        raw = read_small(path, cards.LARGEST)
        return Node(model_id, "removed", card=cards.decode(raw, str(path), model_id=model_id))
    return Node(model_id, "missing")


def _parent_of(node: Node) -> list[str]:
    return [parent.id for parent in node.card.parents[:1]] if node.card else []
