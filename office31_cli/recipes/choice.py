"""Which stored model a command works with, and telling what was taken where nothing was named."""

from collections.abc import Callable

from office31_cli.data import office31
from office31_cli.data.folder import DataSet
from office31_cli.errors import Misuse, Office31Error
from office31_cli.observer import Observer
from office31_cli.registry import Entry, Registry
from office31_cli.text import listed, printable


def model(word: str | None, fits: Callable[[Entry], bool], otherwise: Office31Error) -> Entry:
    """The model that `word` names, else the newest that fits; raises `otherwise` without one."""
    registry = Registry()
    if word is not None:
        return registry.find(word)
    newest = registry.newest(fits)
    if newest is None:
        raise otherwise
    return newest


def tell_model(word: str | None, taken: Entry, observer: Observer) -> None:
    """Say which model was taken where none was named.

    Recipes tell when all that was typed has proved right, so that an error stands alone.
    """
    if word is None:
        observer.say(f"model: {taken.name} ({taken.id}), the newest that fits")


def tell_data(word: str | None, taken: DataSet, observer: Observer) -> None:
    """Say so where no data set was named and the one taken is not Office-31."""
    if word is None and taken.name != office31.NAME:
        observer.say(f"data: {taken.name}, as {office31.TITLE} is not here (office31 download brings it)")


def check_items(entry: Entry, data: DataSet) -> None:
    """Raise `Misuse` where the model names other items than the data set holds."""
    known, held = set(entry.card.items), set(data.items)
    if known == held:
        return
    differences = [f"it lacks {listed(sorted(held - known), 3)}"] if held - known else []
    differences += [f"the data set lacks {listed(sorted(known - held), 3)}"] if known - held else []
    raise Misuse(
        f"model {entry.name}",
        printable(f"it names other items than {data.name}: {' and '.join(differences)}"),
        "choose another --model or --data",
    )
