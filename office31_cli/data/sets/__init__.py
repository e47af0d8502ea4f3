"""Known data sets: one file each, found by its name, that holds all that the program knows of it.

To add one, write `NAME.py` with a class `Set` that derives from `base.ArchivedDataSet`, and beside it

- `NAME.csv.gz`, the manifest: `Manifest.scan(folder).write(path)` makes it from a copy that is known to be good;
- `NAME-published.csv`, if others published accuracies on it: in the columns of `office31-published.csv`.

`office31 download NAME` and `--data NAME` then work.
"""

import functools
from collections.abc import Iterable, Mapping

from office31_cli.data.sets.base import ItemSplit, KnownDataSet
from office31_cli.discovery import ModuleFolder

__all__ = ["DEFAULT", "FOLDER", "ItemSplit", "KnownDataSet", "find", "find_published", "find_split", "load", "names"]

DEFAULT = "office31"
"""The one that is meant where none is named."""

FOLDER = ModuleFolder(__name__, "data set")


def names() -> tuple[str, ...]:
    """The known data sets, the default first and drawn ones last: where none is named, the first one here is used."""
    return tuple(sorted(FOLDER.names(), key=lambda name: (name != DEFAULT, load(name).drawn)))


@functools.cache
def load(name: str) -> KnownDataSet:
    """The known data set of that name; raises `Misuse` with a near match where there is none."""
    known: KnownDataSet = FOLDER.load(name).Set()
    return known


def find(name: object) -> KnownDataSet | None:
    """The known data set of that name, None where there is none."""
    return load(name) if isinstance(name, str) and name in FOLDER.names() else None


def find_published(digests: Mapping[str, Iterable[str]]) -> KnownDataSet | None:
    """The set with published accuracies that has these domains, each with photographs of exactly these SHA-256."""
    for name in names():
        known = load(name)
        if known.published and all(known.is_whole(domain, every) for domain, every in digests.items()):
            return known
    return None


def find_split(items: Iterable[str], setting: str) -> ItemSplit | None:
    """The split for a setting of the set with exactly these items; the photographs may be others, as drawn ones."""
    wanted = set(items)
    for name in names():
        known = load(name)
        if setting in known.splits and wanted == set(known.items()):
            return known.splits[setting]
    return None
