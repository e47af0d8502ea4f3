"""The commands that make a stored model again, from its card and its parents'."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from office31_cli.data import sets
from office31_cli.models.catalogue import is_weights_file
from office31_cli.recipes.models.rows import ModelRow
from office31_cli.recipes.report.results import FamilyMember
from office31_cli.registry import Registry
from office31_cli.registry.card import Card
from office31_cli.registry.lineage import Node, build_forest
from office31_cli.registry.names import make_name
from office31_cli.workflow import resume
from office31_cli.workflow.selection import IMPORT

_FIRST = ("domain", "target", "source", "method", "strategy", "backbone", "weights")
"""The options that say most about a training; the others follow by name."""

Chain = Sequence[tuple[str, Card]]
"""Models by name, each made from the one before it."""


def repeat(chain: Chain) -> tuple[list[list[str]], list[str]]:
    """What to type to make the last of the models again, each command as its words, and what to know of that.

    There are no commands where a card does not record its command's options: of a model that an earlier version stored,
    or that was imported. Raises KeyError, TypeError, ValueError or AttributeError where a card, which another version
    may have written, records them in another way.
    """
    if notes := [_why_not(name, card) for name, card in chain if "options" not in card.configuration]:
        return [], notes[:1]
    known = sets.find(chain[0][1].data["location"])
    lines = [known.command.split()] if known else []
    parent = None
    for name, card in chain:
        lines.append([*_words(make_name(name), card, parent)])
        parent = make_name(name)
    return lines, [*_notes(chain)]


def _why_not(name: str, card: Card) -> str:
    if card.command == IMPORT:
        return f"No command makes the model again: {name} was trained elsewhere and imported"
    return f"No command is shown: an earlier version stored {name}, and did not record all of its options"


def _notes(chain: Chain) -> Iterator[str]:
    """Files that a card names by their content alone, and the models that the commands do not make again to the bit."""
    weights, _, digest = chain[0][1].weights.partition("@")
    if is_weights_file(weights):
        yield f"{weights} is the file whose SHA-256 begins with {digest}"
    for name, card in chain:
        if told := resume.in_words(card.configuration.get(resume.KEY)):
            yield f"{name} is an exception, with what was made from it: it is not bit-identical, as it {told}"
        if "listed" in card.configuration:
            count = len(card.configuration["listed"])
            yield f"{_list_of(name)} names the {count:,} photographs that office31 models show {name} lists"


def _words(name: str, card: Card, parent: str | None) -> Iterator[str]:
    processes = card.environment.get("processes", 1)
    yield from ("office31",) if processes == 1 else ("torchrun", f"--nproc-per-node={processes}", "-m", "office31_cli")
    yield card.command
    options = card.configuration["options"]["resolved"] | {"name": name, "model": parent}
    if "weights" in options:  # a file by its name, wherever it lay
        options["weights"] = card.weights.partition("@")[0]
    if "listed" in card.configuration:
        options["labels_from"] = _list_of(name)
    for option in sorted(options, key=_order):
        yield from _flags(option, options[option])


def _order(option: str) -> tuple[int, str]:
    return (_FIRST.index(option) if option in _FIRST else len(_FIRST), option)


def _flags(name: str, value: Any) -> Iterator[str]:
    """An option with its value, which may begin with a hyphen; again for each of several values, alone as a switch."""
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, list):
        for each in value:
            yield from _flags(name, each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _flags(name, f"{key}={str(each).lower()}")
    elif value is True:
        yield option
    elif value is not None and value is not False:
        text = str(value)
        yield from (f"{option}={text}",) if text.startswith("-") else (option, text)


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
