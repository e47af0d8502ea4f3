"""The commands that make a stored model again, from its card and its parents'."""

from collections.abc import Iterator, Sequence
from typing import Any

from office31_cli.data import sets
from office31_cli.models.catalogue import is_weights_file
from office31_cli.registry.card import Card
from office31_cli.registry.lineage import Node
from office31_cli.registry.names import make_name
from office31_cli.workflow import forced_resume
from office31_cli.workflow.selection import IMPORT

_FIRST = ("domain", "target", "source", "method", "strategy", "backbone", "weights")
"""The options that say most about a training; the others follow by name."""

Chain = Sequence[tuple[str, Card]]
"""Models by name, each made from the one before it."""


def describe_repetition(line: Sequence[Node]) -> tuple[list[list[str]], list[str]]:
    """What to type to make the last model of a line again, each command as its words, and what to know of that.

    There are no commands where a model's card is gone, or another version wrote it in another way.
    """
    chain = [(node.entry.name if node.entry else node.id, node.card) for node in line]
    cards = [(name, card) for name, card in chain if card is not None]
    try:
        return build_repeat_commands(cards) if len(cards) == len(chain) else ([], [])
    except (KeyError, TypeError, ValueError, AttributeError):  # another version's card
        return [], []


def build_repeat_commands(chain: Chain) -> tuple[list[list[str]], list[str]]:
    """What to type to make the last of the models again, each command as its words, and what to know of that.

    There are no commands where a card does not record its command's options: of a model that an earlier version stored,
    or that was imported. Raises KeyError, TypeError, ValueError or AttributeError where a card, which another version
    may have written, records them in another way.
    """
    if notes := [_explain_absence(name, card) for name, card in chain if "options" not in card.configuration]:
        return [], notes[:1]
    known = sets.find(chain[0][1].data["location"])
    lines = [known.command.split()] if known else []
    parent = None
    for name, card in chain:
        lines.append([*_build_words(make_name(name), card, parent)])
        parent = make_name(name)
    return lines, [*_list_notes(chain)]


def _explain_absence(name: str, card: Card) -> str:
    if card.command == IMPORT:
        return f"No command makes the model again: {name} was trained elsewhere and imported"
    return f"No command is shown: an earlier version stored {name}, and did not record all of its options"


def _list_notes(chain: Chain) -> Iterator[str]:
    """Files that a card names by their content alone, and the models that the commands do not make again to the bit."""
    weights, _, digest = chain[0][1].weights.partition("@")
    if is_weights_file(weights):
        yield f"{weights} is the file whose SHA-256 begins with {digest}"
    for name, card in chain:
        if told := forced_resume.describe(card.configuration.get(forced_resume.KEY)):
            yield f"{name} is an exception, with what was made from it: it is not bit-identical, as it {told}"
        if "listed" in card.configuration:
            count = len(card.configuration["listed"])
            says = "gives the items of" if "listed_items" in card.configuration else "names"
            yield f"{_name_list(name, card)} {says} the {count:,} photographs that office31 models show {name} lists"


def _build_words(name: str, card: Card, parent: str | None) -> Iterator[str]:
    processes = card.environment.get("processes", 1)
    yield from ("office31",) if processes == 1 else ("torchrun", f"--nproc-per-node={processes}", "-m", "office31_cli")
    yield card.command
    options = card.configuration["options"]["resolved"] | {"name": name, "model": parent}
    if "weights" in options:  # a file by its name, wherever it lay
        options["weights"] = card.weights.partition("@")[0]
    if "listed" in card.configuration:
        options["labels_from"] = _name_list(name, card)
    for option in sorted(options, key=_rank):
        yield from _build_option(option, options[option])


def _rank(option: str) -> tuple[int, str]:
    return (_FIRST.index(option) if option in _FIRST else len(_FIRST), option)


def _build_option(name: str, value: Any) -> Iterator[str]:
    """An option with its value, which may begin with a hyphen; again for each of several values, alone as a switch."""
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, list):
        for each in value:
            yield from _build_option(name, each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _build_option(name, f"{key}={str(each).lower()}")
    elif value is True:
        yield option
    elif value is not None and value is not False:
        text = str(value)
        yield from (f"{option}={text}",) if text.startswith("-") else (option, text)


def _name_list(name: str, card: Card) -> str:
    return f"{name}.{'csv' if 'listed_items' in card.configuration else 'txt'}"
