"""Keeping the registry: new names, removal in two steps, checking every byte, giving space back."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from office31_cli import storage
from office31_cli.errors import Misuse, Office31Error
from office31_cli.registry import card as cards
from office31_cli.registry.card import CARD_FILE
from office31_cli.registry.entry import Entry, Problem, load
from office31_cli.registry.layout import Layout, read_small
from office31_cli.registry.store import Registry
from office31_cli.text import join_names


@dataclass(frozen=True)
class FreedSpace:
    """What `gc` gave back."""

    models: int
    """Removed models whose files are gone now."""
    unfinished: int
    """Models that a dead process had begun to write."""
    bytes: int


def rename(registry: Registry, word: str, name: str) -> Entry:
    """Call a model `name` in place of `word`, or of its first name where `word` is an id; `Misuse` if taken."""
    layout = registry.layout
    with layout.changing():
        entry = registry.find(word)
        registry.check_name_free(name, unless=entry.id)
        old = word if word in entry.names else next(iter(entry.names), None)
        if old is None:
            layout.point(name, entry.id)
        elif name not in entry.names:
            storage.replace(layout.refs / old, layout.refs / name)
    return registry.find(name)


def remove(registry: Registry, word: str, *, force: bool = False) -> str:
    """Put a model, readable or not, into the trash, and return its id.

    Raises `Misuse` where others were made from it, unless `force`: then its card stays behind as a tombstone.
    """
    layout = registry.layout
    with layout.changing():
        model_id = registry.resolve(word)
        children = registry.children(model_id)
        if children and not force:
            raise Misuse(
                f"model {word}",
                f"{join_names(child.name for child in children)} came from it",
                "remove those first, or use --force to leave a tombstone in the lineage",
            )
        names = [name for name, owner in layout.names().items() if owner == model_id]
        if children:
            _write_tombstone(layout, model_id)
        storage.replace(layout.models / model_id, layout.trash / f"{model_id}-{os.urandom(4).hex()}")
        storage.sync_file(layout.models)
        for name in names:
            layout.drop(name)
    return model_id


def verify(registry: Registry) -> list[Problem]:
    """Check every stored byte against the hashes; what is wrong, each with the path of the file."""
    layout = registry.layout
    problems = [Problem(str(path), "it is no model") for path in layout.strangers()]
    for model_id in sorted(layout.ids()):
        folder = layout.models / model_id
        found = list(_model_problems(folder))
        if os.path.lexists(folder):  # else it was removed meanwhile
            problems += found
    return problems + list(_ref_problems(layout)) + list(_tombstone_problems(layout))


def gc(registry: Registry) -> FreedSpace:
    """Remove for good what is in the trash and what dead processes left; never a stored model."""
    layout = registry.layout
    with layout.changing():
        for name in _leftover_refs(layout):
            layout.drop(name)
        for path in layout.half_written():
            storage.remove_file(path)
        for folder in layout.abandoned():
            storage.replace(folder, layout.trash / folder.name)
    freed = models = unfinished = 0
    for folder in sorted(layout.trash.iterdir()):
        freed += _size(folder)
        models += "-" in folder.name
        unfinished += "-" not in folder.name
        storage.remove_folder(folder)
    return FreedSpace(models, unfinished, freed)


def _write_tombstone(layout: Layout, model_id: str) -> None:
    """Keep the card, the canonical bytes of it, so that descendants still know where they came from."""
    with contextlib.suppress(Office31Error):  # a card that cannot be read tells its descendants nothing
        load(layout.models / model_id)
        raw = read_small(layout.models / model_id / CARD_FILE, cards.LARGEST)
        storage.write_file(layout.tombstones / model_id, raw)


def _model_problems(folder: Path) -> Iterator[Problem]:
    try:
        entry = load(folder)
    except FileNotFoundError:
        return
    except Office31Error as error:
        yield Problem.of(error)
        return
    for name in sorted(entry.card.files):
        try:
            entry.verified_path(name)
        except FileNotFoundError:
            yield Problem(str(folder / name), "it is missing")
        except Office31Error as error:
            yield Problem.of(error)
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.name not in entry.card.files and path.name != CARD_FILE:
                yield Problem(str(path), "it is not on the model's card")


def _ref_problems(layout: Layout) -> Iterator[Problem]:
    """Refs that are damaged, or that point at nothing for no reason that a crash would explain."""
    refs = layout.all_refs()
    explained = _leftover_refs(layout)
    there = set(layout.ids())
    for name, model_id in sorted(refs.items()):
        if model_id in there or name in explained or layout.ref(name) != model_id:
            continue
        why = "it holds no id" if model_id is None else f"it names {model_id}, and there is no such model"
        yield Problem(str(layout.refs / name), why)


def _leftover_refs(layout: Layout) -> set[str]:
    """Refs whose model a crash kept from appearing, or took away before its name."""
    refs = layout.all_refs()
    staged = layout.staged_ids()  # read in the order in which a model moves, so that none slips by
    there = set(layout.ids())
    gone = staged | layout.removed_ids()
    return {name for name, model_id in refs.items() if model_id in gone and model_id not in there}


def _tombstone_problems(layout: Layout) -> Iterator[Problem]:
    for path in sorted(layout.tombstones.glob("[!.]*")):
        try:
            cards.decode(read_small(path, cards.LARGEST), str(path), model_id=path.name)
        except FileNotFoundError:
            continue
        except Office31Error as error:
            yield Problem.of(error)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
