"""Which stored model a command works with."""

from collections.abc import Callable

from office31_cli.data.folder import DataSet
from office31_cli.errors import Misuse, Office31Error
from office31_cli.observer import Observer
from office31_cli.registry import Entry, Registry
from office31_cli.text import listed, printable


def model(word: str | None, fits: Callable[[Entry], bool], observer: Observer, otherwise: Office31Error) -> Entry:
    """The model that `word` names, else the newest that fits, which is said; raises `otherwise` without one."""
    registry = Registry()
    if word is not None:
        return registry.find(word)
    newest = registry.newest(fits)
    if newest is None:
        raise otherwise
    observer.say(f"model: {newest.name} ({newest.id}), the newest that fits")
    return newest


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
