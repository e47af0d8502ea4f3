"""Which stored model a command works with, and telling what was taken where nothing was named."""

from collections.abc import Callable, Iterable

from office31_cli.data import sets
from office31_cli.data.catalogue import DataLike, open_data, reopen
from office31_cli.data.data_set import DataSet
from office31_cli.errors import Failed, Misuse, Office31Error, Refused
from office31_cli.observer import Observer
from office31_cli.outputs.composite import Composite
from office31_cli.registry import Entry, Registry, lineage
from office31_cli.text import did_you_mean, join_names, printable
from office31_cli.workflow.seen_labels import FILE as LABELS_SEEN

IMPORT = "import"
"""The command that made a model of weights which were trained elsewhere."""


def select_model_and_data(
    word: str | None,
    data: DataLike | None,
    domain: str,
    fits: Callable[[Entry], bool],
    otherwise: Office31Error,
    *,
    needs_labels: bool = True,
    needs_shared: bool = True,
) -> tuple[Entry, DataSet]:
    """The model that `word` names, else the newest that fits, and the data set that `data` means, else the model's.

    Whichever is taken, the data set has the domain, with labels unless `needs_labels` is false, and shares items with
    the model unless `needs_shared` is false; it is numbered by the model's items. Raises `Misuse` where that cannot be,
    with a near match for a domain, and `otherwise` where no stored model fits.
    """
    check = DataSet.check_labelled if needs_labels else DataSet.check_domain
    registry = Registry()
    opened = None if data is None else open_data(data)
    if opened is not None:
        check(opened, domain)
    taken = _newest(registry, domain, opened, fits, otherwise) if word is None else _named(registry, word)
    opened = opened or open_training_data(taken)
    check(opened, domain)
    if needs_shared:
        check_shared_items(taken, opened, domain if needs_labels else None)
    return taken, opened.numbered(taken.card.items)


def select_unseen(
    word: str | None, data: DataLike | None, target: str, *, needs_labels: bool = True, needs_shared: bool = True
) -> tuple[Entry, DataSet]:
    """As `select_model_and_data`: unless one is named, the newest model that has seen no label of the target."""
    return select_model_and_data(
        word,
        data,
        target,
        lambda entry: not entry.card.labels_used.get(target),
        no_model_fits(target),
        needs_labels=needs_labels,
        needs_shared=needs_shared,
    )


def select_model(word: str | None, otherwise: Office31Error) -> Entry:
    """The model that `word` names, else the newest, whatever its data set; raises `otherwise` where there is none."""
    registry = Registry()
    taken = registry.newest(usable) if word is None else _named(registry, word)
    if taken is None:
        raise otherwise
    return taken


def _named(registry: Registry, word: str) -> Entry:
    taken = registry.find(word)
    check_usable(taken)
    return taken


def _newest(
    registry: Registry,
    domain: str,
    opened: DataSet | None,
    fits: Callable[[Entry], bool],
    otherwise: Office31Error,
) -> Entry:
    """The newest model that fits and whose data set, the one opened or its own, has the domain and all its items.

    Where there is none, one that shares some items with the data set will do. Where there is not even that, the error
    names what came nearest: a model of other items, domains of another name, or a model whose data set is gone.
    """
    known: set[str] = set()
    gone: Office31Error | None = None
    alike: Entry | None = None
    others: tuple[Entry, DataSet] | None = None
    for entry in registry.entries():
        if not (usable(entry) and fits(entry)):
            continue
        try:
            its = opened or open_training_data(entry)
        except Office31Error as error:  # its folder is gone, or was changed: another model may do
            gone = gone or error
            continue
        if domain not in its.domains:
            known |= set(its.domains)
        elif set(entry.card.items) <= set(its.items):
            return entry
        elif set(entry.card.items) & set(its.items):
            alike = alike or entry
        else:
            others = others or (entry, its)
    if alike is not None:
        return alike
    if others is not None:
        check_shared_items(*others)
    if known:
        raise Misuse(f"domain {printable(domain)}", "no stored model's data set has it", did_you_mean(domain, known))
    raise gone or otherwise


def usable(entry: Entry) -> bool:
    """Whether a card tells what every command needs; a model from elsewhere may have another."""
    return (
        "location" in entry.card.data
        and isinstance(entry.card.data["location"], str | None)
        and isinstance(entry.card.network.get("backbone"), str)
        and LABELS_SEEN in entry.card.files
    )


def check_usable(entry: Entry) -> None:
    """Raise `Refused` where a card does not tell what every command needs."""
    if not usable(entry):
        raise Refused(
            f"model {entry.name}",
            "its card does not tell its backbone, its data set or the labels that it has seen",
            f"remove it with: office31 models rm {entry.name}",
        )


def open_training_data(entry: Entry) -> DataSet:
    """The data set that a model was trained on; the usual one for a model that comes from elsewhere."""
    place = entry.card.data["location"]
    try:
        return reopen(entry.card.data)
    except Misuse:
        raise Failed(
            f"model {entry.name}", f"it was trained on {printable(place)}, which is not here", "give --data"
        ) from None


def stored_outputs(entry: Entry) -> Composite:
    """What a stored model answers; raises `Failed` where its card does not tell in a way that this version knows."""
    try:
        return Composite.from_json(entry.card.network["outputs"])
    except (KeyError, TypeError, ValueError) as error:
        raise Failed(
            f"model {entry.name}", f"its card describes no outputs that are known ({error})", "upgrade office31-cli"
        ) from None


def check_predicts_item(entry: Entry, why: str) -> None:
    """Raise `Misuse` where a stored model has no output for the item by itself, and say why it needs one."""
    if ("item",) not in (output.columns for output in stored_outputs(entry).outputs):
        raise Misuse(f"model {entry.name}", f"{why}, it must answer item by itself", "choose another --model")


def no_model_fits(target: str) -> Failed:
    """No model is stored that has seen no label of the target."""
    return Failed(
        "no stored model fits",
        f"none is stored that has seen no label of {printable(target)}",
        "run office31 pretrain first, or name one with --model",
    )


def report_model(word: str | None, taken: Entry, observer: Observer) -> None:
    """Say which model was taken where none was named, and where nobody knows what it has seen.

    Recipes tell when all that was typed has proved right, so that an error stands alone.
    """
    if word is None:
        observer.say(f"model: {taken.name} ({taken.id}), the newest that fits")
    ancestors = [node.card for node in lineage.list_ancestors(Registry(), taken)]
    if any(card and card.command == IMPORT and not card.labels_used for card in (taken.card, *ancestors)):
        observer.warn(
            f"what {taken.name} was trained on elsewhere is not known: on photographs of that, scores promise too much"
        )


def report_data(word: DataLike | None, taken: DataSet, observer: Observer) -> None:
    """Say so where no data set was named and the one taken is not the default; say what its folder was taken for."""
    if word is None and taken.name != sets.DEFAULT:
        default = sets.load(sets.DEFAULT)
        observer.say(f"data: {taken.name}, as {default.title} is not here ({default.command} brings it)")
    report_layout(taken, observer)


def report_layout(taken: DataSet, observer: Observer) -> None:
    """Say what a folder was taken for, unless it is laid out as is usual."""
    if taken.layout:
        observer.say(taken.layout)


def warn_of_parts(data: DataSet, domains: Iterable[str], held_out: float | None, observer: Observer) -> None:
    """Warn where a share is to be held out of domains that come in parts, which are kept instead."""
    divided = [domain for domain in domains if data.listings[domain].is_divided]
    if held_out is not None and divided:
        observer.warn(f"--held-out {held_out:g} has no effect on {join_names(divided)}: the parts are kept")


def check_shared_items(
    entry: Entry, data: DataSet, domain: str | None = None, *, fix: str = "choose another --model or --data"
) -> None:
    """Raise `Misuse` where the model predicts none of the items of the data set, or of one of its labelled domains."""
    held = data.items if domain is None else data.items_of(domain)
    if set(entry.card.items) & set(held):
        return
    where = data.name if domain is None else f"{data.name}'s {domain}"
    raise Misuse(
        f"model {entry.name}",
        printable(
            f"it predicts none of the items of {where}: it knows {join_names(sorted(entry.card.items), 3)}, "
            f"and there are {join_names(sorted(held), 3)}"
        ),
        fix,
    )
