"""What `office31 models` tells about stored models, as rows that a table and `--json` share."""

from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from office31_cli.registry import Entry, Problem
from office31_cli.registry.lineage import Node

Kind = TypeVar("Kind")


def get_nested(value: Any, kind: type[Kind], *path: str) -> Kind | None:
    """What lies at `path` in nested objects; None where it is not there or, in a foreign card, of another kind."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, kind) else None


def _accuracy(metrics: dict[str, Any]) -> float | None:
    last = get_nested(metrics, float, "scores", "last")
    return get_nested(metrics, float, "validation", "item") if last is None else last


@dataclass(frozen=True)
class ModelRow:
    """One stored model at a glance."""

    model: str
    id: str
    command: str
    parent: str | None
    """The id of the first parent."""
    domains: list[str]
    backbone: str | None
    target: str | None
    """What it was adapted to without labels, if it was."""
    way: str | None
    """The method that it was adapted by, or the strategy that it was fine-tuned by."""
    labels_used: dict[str, int]
    """By domain the labels that it has seen, its parents included."""
    accuracy: float | None
    """Of items on the validation part, of an adapted model on its target; None where it was not measured."""
    created: str
    bytes: int

    @classmethod
    def of(cls, entry: Entry) -> "ModelRow":
        """The row of a stored model."""
        card = entry.card
        domains = get_nested(card.data, list, "domains")
        return cls(
            model=entry.name,
            id=entry.id,
            command=card.command,
            parent=card.parents[0].id if card.parents else None,
            domains=[str(domain) for domain in domains or []],
            backbone=get_nested(card.network, str, "backbone"),
            target=get_nested(card.configuration, str, "target"),
            way=get_nested(card.configuration, str, "method") or get_nested(card.configuration, str, "strategy"),
            labels_used=card.labels_used,
            accuracy=_accuracy(card.metrics),
            created=card.created,
            bytes=entry.bytes,
        )

    def to_json(self) -> dict[str, Any]:
        """The object that `import --json` prints, and one of those that `list --json` does."""
        return asdict(self)


@dataclass(frozen=True)
class ModelList:
    """All stored models, newest first, and what is wrong with those that cannot be read."""

    rows: list[ModelRow]
    unreadable: list[Problem]

    def to_json(self) -> dict[str, Any]:
        """The object that `list --json` prints."""
        return {
            "models": [row.to_json() for row in self.rows],
            "unreadable": [asdict(problem) for problem in self.unreadable],
        }


@dataclass(frozen=True)
class ModelDetails:
    """Everything that is known about one model."""

    entry: Entry

    def to_json(self) -> dict[str, Any]:
        """The object that `show --json` and `rename --json` print."""
        row = ModelRow.of(self.entry).to_json()
        return {**row, "names": list(self.entry.names), "card": asdict(self.entry.card)}


@dataclass(frozen=True)
class Lineage:
    """The forest of models below those that they were made from."""

    roots: list[Node]

    def to_json(self) -> dict[str, Any]:
        """The object that `tree --json` prints: one row a model, each after its parent and one deeper."""
        rows = []
        waiting: list[tuple[Node, str | None, int]] = [(node, None, 0) for node in reversed(self.roots)]
        while waiting:
            node, parent, depth = waiting.pop()
            row = ModelRow.of(node.entry) if node.entry else None
            rows.append(
                {
                    "id": node.id,
                    "model": row.model if row else None,
                    "command": node.card.command if node.card else None,
                    "way": row.way if row else None,
                    "labels_used": node.card.labels_used if node.card else None,
                    "state": node.state,
                    "parent": parent,
                    "depth": depth,
                }
            )
            waiting += [(child, node.id, depth + 1) for child in reversed(node.children)]
        return {"models": rows}


@dataclass(frozen=True)
class Verification:
    """What a check of every stored byte found."""

    models: int
    problems: list[Problem]

    def to_json(self) -> dict[str, Any]:
        """The object that `verify --json` prints."""
        return {"models": self.models, "problems": [asdict(problem) for problem in self.problems]}


@dataclass(frozen=True)
class Removal:
    """A model that lies in the trash now."""

    id: str

    def to_json(self) -> dict[str, Any]:
        """The object that `rm --json` prints."""
        return {"id": self.id, "removed": True}
