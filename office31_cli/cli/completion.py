"""What the shell offers at TAB: names of models, domains, methods and the like. Imports neither torch nor numpy."""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from office31_cli.errors import Office31Error

if TYPE_CHECKING:
    from office31_cli.data.folder import DataSet

Names = Callable[[typer.Context], Iterable[str]]
"""What an option takes, given the options before it."""

Complete = Callable[[typer.Context, str], list[str]]
"""What typer asks: the values that begin with what is typed."""

_PLAIN = re.compile(r"\w[\w.+:-]*")
"""Names that mean themselves in every shell. Others are not offered: typer's scripts quote nothing, and zsh evaluates
what it is given."""

_BREAKS = ":="
"""Characters at which bash takes a word apart."""


def asked() -> bool:
    """Whether the shell asks what to offer: whatever goes wrong by then, nothing is said of it in the user's prompt."""
    return os.environ.get("_OFFICE31_COMPLETE", "").startswith("complete_")


def put_together() -> str:
    """Join the words that bash took apart, as typer does not; returns what stands before the piece that is asked for.

    Of `--split webcam:te` bash asks for `te`, and wants `test` for an answer: `webcam:` stands before it.
    """
    if os.environ.get("_OFFICE31_COMPLETE") != "complete_bash":
        return ""
    place = int(os.environ["COMP_CWORD"])
    words: list[str] = []
    for piece in [*os.environ["COMP_WORDS"].split("\n"), ""][: place + 1]:
        if words and (piece[:1] in tuple(_BREAKS) or (words[-1].endswith(tuple(_BREAKS)) and piece[:1] != "-")):
            words[-1] += piece
        else:
            words.append(piece)
    last = words.pop()
    start = max(map(last.rfind, _BREAKS)) + 1
    before, typed = last[:start], last[start:]
    if before.startswith("-"):  # --split=webcam:te
        option, _, before = before.partition("=")
        words.append(option)
    os.environ["COMP_WORDS"] = "\n".join([*words, typed])
    os.environ["COMP_CWORD"] = str(len(words))
    return before


def one_of(names: Names) -> Complete:
    """Completes a name."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        before = context.find_object(str) or ""
        fitting = (name for name in names(context) if name.startswith(before + typed) and _PLAIN.fullmatch(name))
        return [name.removeprefix(before) for name in fitting]

    return complete


def some_of(names: Names) -> Complete:
    """Completes the last of several names with commas between."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        named, comma, last = typed.rpartition(",")
        rest = [name for name in one_of(names)(context, last) if name not in named.split(",")]
        return [named + comma + name for name in rest]

    return complete


def models(context: typer.Context) -> Iterable[str]:
    """The stored models, as they are listed: by their names, those without one by their ids."""
    from office31_cli.registry import Registry

    layout = Registry().layout
    named = layout.names()
    return sorted({*named, *layout.ids()} - set(named.values()))


def data_sets(context: typer.Context) -> Iterable[str]:
    """The data sets of the catalogue; the shell itself offers folders."""
    from office31_cli.data import catalogue

    return catalogue.NAMES


def domains(context: typer.Context) -> Iterable[str]:
    """The domains of the data set that the command works on."""
    return _data_of(context).domains


def labelled(context: typer.Context) -> Iterable[str]:
    """Those with labels."""
    return _data_of(context).labelled


def labelled_or_all(context: typer.Context) -> Iterable[str]:
    """Those with labels, and the word for all of them."""
    return (*labelled(context), "all")


def splits(context: typer.Context) -> Iterable[str]:
    """Those with labels, and their parts."""
    from office31_cli.results import PARTS

    return (domain + part for domain in labelled(context) for part in ("", *(f":{part}" for part in PARTS)))


def methods(context: typer.Context) -> Iterable[str]:
    """The adaptation methods."""
    from office31_cli import methods as known

    return known.FOLDER.names()


def strategies(context: typer.Context) -> Iterable[str]:
    """The fine-tuning strategies."""
    from office31_cli import strategies as known

    return known.FOLDER.names()


def backbones(context: typer.Context) -> Iterable[str]:
    """Every backbone."""
    from office31_cli.models import catalogue

    return catalogue.backbones()


def weights(context: typer.Context) -> Iterable[str]:
    """The words that fit every backbone, and the names of the chosen one's weights; the shell itself offers files."""
    from office31_cli.models import catalogue

    named = catalogue.weights_of(context.params.get("backbone") or "")
    return ("DEFAULT", "none", *dict.fromkeys(named.values()))


def optimizers(context: typer.Context) -> Iterable[str]:
    """The optimizers."""
    from office31_cli.engine.settings import LEARNING_RATES

    return LEARNING_RATES


def parts_to_train(context: typer.Context) -> Iterable[str]:
    """What `--train` takes."""
    from office31_cli.engine.settings import EPOCHS

    return EPOCHS


def formats(context: typer.Context) -> Iterable[str]:
    """What `--format` takes."""
    from office31_cli.report.grid import FORMATS

    return FORMATS


def prediction_formats(context: typer.Context) -> Iterable[str]:
    """What `--format` of `predict` takes."""
    from office31_cli.report.predict import FORMATS

    return FORMATS


def _data_of(context: typer.Context) -> "DataSet":
    """The data set given, else that of the model given, else of the newest model that has one, else the first here."""
    from office31_cli.data.catalogue import open_data
    from office31_cli.registry import Registry

    if given := context.params.get("data"):
        return open_data(given)
    if word := context.params.get("model"):
        return open_data(Registry().find(word).card.data["location"])
    for entry in Registry().entries() if "model" in context.params else []:
        with suppress(Office31Error, KeyError, TypeError):  # its folder is gone, or its card names none
            return open_data(entry.card.data["location"])
    return open_data(None)
