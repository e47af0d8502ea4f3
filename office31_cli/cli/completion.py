"""What the shell offers at TAB: names of models, domains, methods and the like. Imports neither torch nor numpy."""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from office31_cli.errors import Office31Error

if TYPE_CHECKING:
    from office31_cli.data.data_set import DataSet


@dataclass(frozen=True)
class Asked:
    """What is typed of a word, and what the options before it were given."""

    typed: str
    options: dict[str, Any]


Names = Callable[[Asked], Iterable[str]]
"""What may stand in the word's place; those that begin otherwise are left out afterwards."""

Complete = Callable[[typer.Context, str], list[str]]
"""What typer asks: the values that begin with what is typed."""

_PLAIN = re.compile(r"\w[\w.+:-]*")
"""Names that mean themselves in every shell. Others are not offered: typer's scripts quote nothing, and zsh evaluates
what it is given."""

_BREAKS = ":="
"""Characters at which bash takes a word apart."""


def is_completing() -> bool:
    """Whether the shell asks what to offer: whatever goes wrong by then, nothing is said of it in the user's prompt."""
    return os.environ.get("_OFFICE31_COMPLETE", "").startswith("complete_")


def join_words() -> str:
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


def complete_one(names: Names) -> Complete:
    """Completes a name."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        before = context.find_object(str) or ""
        asked = Asked(before + typed, context.params)
        fitting = (name for name in names(asked) if name.startswith(asked.typed) and _PLAIN.fullmatch(name))
        return [name.removeprefix(before) for name in fitting]

    return complete


def complete_several(names: Names) -> Complete:
    """Completes the last of several names with commas between."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        named, comma, last = typed.rpartition(",")
        rest = [name for name in complete_one(names)(context, last) if name not in named.split(",")]
        return [named + comma + name for name in rest]

    return complete


def list_models(asked: Asked) -> Iterable[str]:
    """The stored models, as they are listed: by their names, those without one by their ids."""
    from office31_cli.registry import Registry

    layout = Registry().layout
    named = layout.names()
    return sorted({*named, *layout.ids()} - set(named.values()))


def list_data_sets(asked: Asked) -> Iterable[str]:
    """The known data sets; the shell itself offers folders."""
    from office31_cli.data import sets

    return sets.names()


def list_domains(asked: Asked) -> Iterable[str]:
    """The domains of the data set that the command works on."""
    return _open_data(asked).domains


def list_labelled(asked: Asked) -> Iterable[str]:
    """Those with labels."""
    return _open_data(asked).labelled_domains


def list_labelled_or_all(asked: Asked) -> Iterable[str]:
    """Those with labels, and the word for all of them."""
    return (*list_labelled(asked), "all")


def list_splits(asked: Asked) -> Iterable[str]:
    """Those with labels, and their parts."""
    from office31_cli.results import PARTS

    return (domain + part for domain in list_labelled(asked) for part in ("", *(f":{part}" for part in PARTS)))


def list_methods(asked: Asked) -> Iterable[str]:
    """The adaptation methods."""
    from office31_cli import methods as known

    return known.FOLDER.names()


def list_strategies(asked: Asked) -> Iterable[str]:
    """The fine-tuning strategies."""
    from office31_cli import strategies as known

    return known.FOLDER.names()


def list_settings(asked: Asked) -> Iterable[str]:
    """How the items of source and target may relate."""
    from office31_cli.workflow.item_sets import SETTINGS

    return SETTINGS


def list_settings_and_auto(asked: Asked) -> Iterable[str]:
    """The settings, and `auto`."""
    from office31_cli.workflow.item_sets import AUTO, SETTINGS

    return (AUTO, *SETTINGS)


def list_topics(asked: Asked) -> Iterable[str]:
    """The topics of the handbook."""
    from office31_cli.recipes import guide

    return guide.list_topics()


def list_backbones(asked: Asked) -> Iterable[str]:
    """Every backbone; the 1,300 of timm only where one is begun."""
    from office31_cli.models import catalogue

    return catalogue.list_timm_backbones() if asked.typed.startswith(catalogue.TIMM) else catalogue.list_backbones()


def list_weights(asked: Asked) -> Iterable[str]:
    """The words that fit every backbone, and the names of the chosen one's weights; the shell itself offers files."""
    from office31_cli.models import catalogue

    named = catalogue.list_weights(asked.options.get("backbone") or "")
    return ("DEFAULT", "none", *dict.fromkeys(named.values()))


def list_class_weights(asked: Asked) -> Iterable[str]:
    """What `--class-weights` takes."""
    from office31_cli.engine.settings import CLASS_WEIGHTS

    return CLASS_WEIGHTS


def list_optimizers(asked: Asked) -> Iterable[str]:
    """The optimizers."""
    from office31_cli.engine.settings import LEARNING_RATES

    return LEARNING_RATES


def list_parts_to_train(asked: Asked) -> Iterable[str]:
    """What `--train` takes."""
    from office31_cli.engine.settings import EPOCHS

    return EPOCHS


def list_formats(asked: Asked) -> Iterable[str]:
    """What `--format` takes."""
    from office31_cli.text_table import FORMATS

    return FORMATS


def list_export_formats(asked: Asked) -> Iterable[str]:
    """What `--format` of `models export` takes."""
    from office31_cli.recipes.models.export import list_formats

    return list_formats()


def list_prediction_formats(asked: Asked) -> Iterable[str]:
    """What `--format` of `predict` takes."""
    from office31_cli.render.predict import FORMATS

    return FORMATS


def _open_data(asked: Asked) -> "DataSet":
    """The data set given, else that of the model given, else of the newest model that has one, else the first here."""
    from office31_cli.data.catalogue import open_data, reopen
    from office31_cli.registry import Registry

    if given := asked.options.get("data"):
        options = asked.options
        return open_data(given, nested=options.get("nested") or False, follow_links=options.get("follow_links"))
    if word := asked.options.get("model"):
        return reopen(Registry().find(word).card.data)
    for entry in Registry().entries() if "model" in asked.options else []:
        with suppress(Office31Error, KeyError, TypeError):  # its folder is gone, or its card names none
            return reopen(entry.card.data)
    return open_data(None)
