"""The commands that make a stored model again, from its card and its parents'."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from office31_cli.data import sets
from office31_cli.engine.settings import NO_REFINEMENTS
from office31_cli.models.catalogue import is_weights_file
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.results import FamilyMember
from office31_cli.registry import Registry
from office31_cli.registry.card import Card
from office31_cli.registry.lineage import Node, build_forest
from office31_cli.registry.names import make_name
from office31_cli.workflow import resume

_HOW = ("epochs", "lr", "optimizer", "batch_size", "held_out", "seed")
"""Of the configuration, what every training has."""

Chain = Sequence[tuple[str, Card]]
"""Models by name, each made from the one before it."""


def commands(chain: Chain) -> list[list[str]]:
    """What to type to make the last of the models again, each command as its words.

    Raises KeyError, TypeError, ValueError or AttributeError where a card, which another version may have written,
    does not tell enough.
    """
    known = sets.find(chain[0][1].data["location"])
    lines = [known.command.split()] if known else []
    parent = None
    for name, card in chain:
        lines.append([*_words(make_name(name), card, parent)])
        parent = make_name(name)
    return lines


def notes(chain: Chain) -> list[str]:
    """What to know of the commands: files that a card names by their content alone, and what they do not make again.

    Raises as they do.
    """
    found = []
    weights, _, digest = chain[0][1].weights.partition("@")
    if is_weights_file(weights):
        found.append(f"{weights} is the file whose SHA-256 begins with {digest}")
    for name, card in chain:
        if told := resume.in_words(card.configuration.get(resume.KEY)):
            found.append(f"{name} is an exception, with what was made from it: it is not bit-identical, as it {told}")
        if "listed" in card.configuration:
            count = len(card.configuration["listed"])
            found.append(f"{_list_of(name)} names the {count:,} photographs that office31 models show {name} lists")
    return found


def _words(name: str, card: Card, parent: str | None) -> Iterator[str]:
    processes = card.environment.get("processes", 1)
    yield from ("office31",) if processes == 1 else ("torchrun", f"--nproc-per-node={processes}", "-m", "office31_cli")
    yield card.command
    yield from _OF_COMMAND[card.command](name, card)
    if parent is not None:
        yield from _flag("model", parent)
    device = card.environment["device"]
    yield from _flag("data", card.data["location"])
    yield from _flag("train", card.train)
    yield from _flag("device", device if device in ("cpu", "mps") else "cuda")
    yield from _flag("name", name)


def _pretrain(name: str, card: Card) -> Iterator[str]:
    for domain in card.data["domains"]:
        yield from _flag("domain", domain)
    yield from _flag("backbone", card.network["backbone"])
    yield from _flag("weights", card.weights.partition("@")[0])
    if card.configuration.get("allow_nonfinite"):
        yield "--allow-nonfinite"
    yield from _flags(card, "outputs", *_HOW)


def _finetune(name: str, card: Card) -> Iterator[str]:
    target, *source = card.data["domains"]
    yield from _flag("target", target)
    if source:
        yield "--with-source"
    yield from _flags(card, "strategy")
    yield from _settings(card)
    yield from _flag("labels-from", _list_of(name)) if "listed" in card.configuration else _flags(card, "labels")
    yield from _flags(card, *(name for name in vars(NO_REFINEMENTS) if name in card.configuration))
    yield from _flags(card, "outputs", *_HOW)


def _adapt(name: str, card: Card) -> Iterator[str]:
    yield from _flags(card, "target")
    for domain in card.data["domains"]:
        yield from _flag("source", domain)
    yield from _flags(card, "method")
    yield from _settings(card)
    fixed = card.configuration["steps"] is None  # the method makes as many passes as it makes
    yield from _flags(card, "validator", *(() if fixed else ("steps",)), *(() if card.train == "all" else ("views",)))
    yield from _flags(card, *_HOW[1 if fixed else 0 :])


_OF_COMMAND = {"pretrain": _pretrain, "finetune": _finetune, "adapt": _adapt}


def _settings(card: Card) -> Iterator[str]:
    for key, value in card.configuration["settings"].items():
        yield from _flag("set", f"{key}={str(value).lower()}")


def _flags(card: Card, *names: str) -> Iterator[str]:
    for name in names:
        yield from _flag(name, card.configuration[name])


def _flag(name: str, value: Any) -> tuple[str, ...]:
    """An option with its value, which may begin with a hyphen; without one where it is a switch that is on."""
    option, text = f"--{name.replace('_', '-')}", str(value)
    if value is True:
        return (option,)
    return (f"{option}={text}",) if text.startswith("-") else (option, text)


def _list_of(name: str) -> str:
    return f"{name}.txt"


MOST_BESIDE = 4
"""Models below another that are shown beside those that matter, the newest ones; the rest is counted."""


def lines(*ids: str) -> list[list[Node]]:
    """For each of some stored models the line that leads to it, from the oldest ancestor on."""
    roots = build_forest(Registry())
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


def family(this: list[Node], other: list[Node] | None = None) -> list[FamilyMember]:
    """The trees that hold the ends of these lines: the lines themselves and what hangs on them directly."""
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


def _relative(node: Node, depth: int, role: str) -> FamilyMember:
    row = ModelRow.of(node.entry) if node.entry else None
    return FamilyMember(depth, row.model if row else node.id, node.state, row, role, 0)
