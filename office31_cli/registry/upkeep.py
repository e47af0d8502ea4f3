"""Maintenance of the registry: renaming, removal in two steps, verification of every byte, garbage collection."""

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
    """What `gc` removed, and the disk space that it freed."""

    models: int
    """Models in the trash that were deleted for good."""
    unfinished: int
    """Unfinished models of processes that have ended."""
    bytes: int


def rename(registry: Registry, word: str, name: str) -> Entry:
    """Replace the name `word` of a model by `name`, its first name where `word` is an id; `Misuse` if it is taken."""
    layout = registry.layout
    with layout.hold_lock():
        entry = registry.find(word)
        registry.check_name_free(name, unless=entry.id)
        old = word if word in entry.names else next(iter(entry.names), None)
        if old is None:
            layout.point(name, entry.id)
        elif name not in entry.names:
            storage.replace(layout.refs / old, layout.refs / name)
    return registry.find(name)


def remove(registry: Registry, word: str, *, force: bool = False) -> str:
    """Move a model, readable or not, to the trash, and return its id.

    Raises `Misuse` where others were made from it; with `force` its card is then kept as a tombstone.
    """
    layout = registry.layout
    with layout.hold_lock():
        model_id = registry.resolve(word)
        children = registry.children(model_id)
        if children and not force:
            raise Misuse(
                f"model {word}",
                f"{join_names(child.name for child in children)} came from it",
                "remove those first, or use --force to keep only its card in the lineage",
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
    """Check every stored byte against its hash, and return the problems, each with the path of its file."""
    layout = registry.layout
    problems = [Problem(str(path), "it is not a model") for path in layout.list_strangers()]
    for model_id in sorted(layout.ids()):
        folder = layout.models / model_id
        model_problems = list(_check_model(folder))
        if os.path.lexists(folder):  # else it was removed meanwhile
            problems += model_problems
    return problems + list(_check_refs(layout)) + list(_check_tombstones(layout))


def gc(registry: Registry) -> FreedSpace:
    """Delete the trash and what ended processes left unfinished; never a stored model."""
    layout = registry.layout
    with layout.hold_lock():
        for name in _find_leftover_refs(layout):
            layout.drop(name)
        for path in layout.list_half_written_files():
            storage.remove_file(path)
        for folder in layout.list_abandoned_folders():
            storage.replace(folder, layout.trash / folder.name)
    freed = models = unfinished = 0
    for folder in sorted(layout.trash.iterdir()):
        freed += _measure_folder(folder)
        models += "-" in folder.name
        unfinished += "-" not in folder.name
        storage.remove_folder(folder)
    return FreedSpace(models, unfinished, freed)


def _write_tombstone(layout: Layout, model_id: str) -> None:
    """Keep the bytes of a model's card for the lineage of its descendants."""
    with contextlib.suppress(Office31Error):  # an unreadable card is of no use to the lineage
        load(layout.models / model_id)
        raw = read_small(layout.models / model_id / CARD_FILE, cards.LARGEST)
        storage.write_file(layout.tombstones / model_id, raw)


def _check_model(folder: Path) -> Iterator[Problem]:
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


def _check_refs(layout: Layout) -> Iterator[Problem]:
    """The problems of refs that are damaged, or whose model is missing in a way that no crash explains."""
    refs = layout.all_refs()
    explained = _find_leftover_refs(layout)
    stored_ids = set(layout.ids())
    for name, model_id in sorted(refs.items()):
        if model_id in stored_ids or name in explained or layout.ref(name) != model_id:
            continue
        why = "it does not hold an id" if model_id is None else f"there is no model {model_id}"
        yield Problem(str(layout.refs / name), why)


def _find_leftover_refs(layout: Layout) -> set[str]:
    """Refs whose model never appeared, or was removed before its name, because of a crash."""
    refs = layout.all_refs()
    staged = layout.staged_ids()  # read in the order in which a model moves, so that none is missed
    stored_ids = set(layout.ids())
    unfinished_or_removed = staged | layout.removed_ids()
    return {name for name, model_id in refs.items() if model_id in unfinished_or_removed and model_id not in stored_ids}


def _check_tombstones(layout: Layout) -> Iterator[Problem]:
    for path in sorted(layout.tombstones.glob("[!.]*")):
        try:
            cards.decode(read_small(path, cards.LARGEST), str(path), model_id=path.name)
        except FileNotFoundError:
            continue
        except Office31Error as error:
            yield Problem.of(error)


def _measure_folder(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
