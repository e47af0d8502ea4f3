"""Anyone's folder of photographs: `DOMAIN/ITEM/*`, or `DOMAIN/images/ITEM/*` as Office-31 was first laid out.

A domain whose pictures lie in no item folders, `DOMAIN/*` or `DOMAIN/images/*`, is unlabelled.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from office31_cli.errors import Failed, Misuse
from office31_cli.text import did_you_mean, join_names, printable

if TYPE_CHECKING:
    from office31_cli.data.photographs import Photographs

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"})
"""What counts as a picture, by the end of its name; the decoder looks at the bytes."""

_EXPECTED = "expected DOMAIN/ITEM/* or DOMAIN/images/ITEM/* below it"


@dataclass(frozen=True)
class DataSet:
    """A data set on disk: a name to show, its domains, and the items that all of them share but the unlabelled."""

    name: str
    root: Path
    domains: tuple[str, ...]
    items: tuple[str, ...]
    unlabelled_domains: tuple[str, ...] = ()

    @property
    def labelled_domains(self) -> tuple[str, ...]:
        """The domains with item folders, of which there is at least one."""
        return tuple(domain for domain in self.domains if domain not in self.unlabelled_domains)

    def check_domain(self, domain: str) -> None:
        """Raise `Misuse` with a near match where the data set has no such domain."""
        if domain not in self.domains:
            raise Misuse(
                f"domain {printable(domain)}",
                f"{printable(self.name)} has no such domain",
                did_you_mean(domain, self.domains),
            )

    def check_labelled(self, domain: str) -> None:
        """As `check_domain`; raise `Misuse` too where the domain is unlabelled."""
        self.check_domain(domain)
        if domain in self.unlabelled_domains:
            raise Misuse(
                f"domain {printable(domain)}",
                "its pictures lie in no item folders, so they have no labels",
                "put each into a folder named after its item, or use it as the --target of office31 adapt",
            )

    def photographs(self, domain: str) -> "Photographs":
        """The domain's photographs, ordered by item and name; each file's bytes are hashed once."""
        from office31_cli.data.photographs import Photographs  # numpy, 0.1 s: names alone need none of it

        self.check_domain(domain)
        return Photographs.of(domain, _item_level(self.root / domain), self.file_names(domain))

    def file_names(self, domain: str) -> dict[str, list[str]]:
        """The names of the domain's picture files by item, both in order; those of an unlabelled one under ''."""
        self.check_domain(domain)
        root = _item_level(self.root / domain)
        if domain in self.unlabelled_domains:
            return {"": _list_pictures(root)}
        return {item: _list_pictures(root / item) for item in self.items}


def open_folder(root: Path, name: str | None = None) -> DataSet:
    """Read the layout of the data set at `root`.

    Raises `Failed` in one line that says what was expected and what was found: no folder, no domains, none that is
    labelled, an `images` level in the wrong place, domains with different items, an item without pictures, or a
    symbolic link that leads out of the folder.
    """
    if not root.is_dir():
        raise Failed(printable(str(root)), f"there is no such folder; {_EXPECTED}", "check --data")
    domains = tuple(_list_folders(root))
    if not domains:
        raise _misplaced(root, "it holds no folders", "give the folder that holds the domains")
    if "images" in domains:
        raise _misplaced(
            root,
            "it holds a folder 'images' where a domain should be",
            "give the folder above it, or move 'images' below each domain",
        )
    items = {domain: _read_items(root, domain) for domain in domains}
    unlabelled = tuple(domain for domain in domains if not items[domain])
    if unlabelled == domains:
        raise _no_items(root, domains[0], "pictures but no item folders")
    labelled = {domain: names for domain, names in items.items() if names}
    return DataSet(name or root.name, root, domains, _check_same_items(root, labelled), unlabelled)


def _read_items(root: Path, domain: str) -> tuple[str, ...]:
    """The names of a domain's items, each with at least one picture; none where it holds pictures instead."""
    level = _item_level(root / domain)
    items = tuple(_list_folders(level))
    if not items and not _list_pictures(level):
        raise _no_items(root, domain, "no item folders")
    if not items and level != root / domain and _list_pictures(root / domain):  # half of them would not be seen
        raise _misplaced(
            root, f"{domain}/ holds pictures and a folder 'images' of pictures", "put them all into one of the two"
        )
    for item in items:
        if not _list_pictures(level / item):
            below = _list_folders(level / item)
            fault = f"{_shown_level(level, domain)}{item} holds " + (
                f"a folder {below[0]!r} where pictures should be" if below else "no pictures"
            )
            raise _misplaced(
                root,
                fault,
                "put its pictures directly into it" if below else "add some, or remove the folder",
            )
    return items


def _check_same_items(root: Path, items: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    first, *others = items
    for domain in others:
        if items[domain] != items[first]:
            missing = sorted(set(items[first]) - set(items[domain]))
            extra = sorted(set(items[domain]) - set(items[first]))
            differences = [f"{domain} lacks {join_names(missing)}"] if missing else []
            differences += [f"{first} lacks {join_names(extra)}"] if extra else []
            raise Failed(
                printable(str(root)),
                printable(f"every domain must hold the same items, but {' and '.join(differences)}"),
                "add the missing items, or remove them from the other domains",
            )
    return items[first]


def _no_items(root: Path, domain: str, instead: str) -> Failed:
    return _misplaced(
        root,
        f"{_shown_level(_item_level(root / domain), domain)} holds {instead}",
        "give the folder that holds the domains, with a folder for each item in each of them",
    )


def _shown_level(level: Path, domain: str) -> str:
    return f"{domain}/" + ("images/" if level.name == "images" else "")


def _misplaced(root: Path, fault: str, fix: str) -> Failed:
    return Failed(printable(str(root)), f"{_EXPECTED}, found that {printable(fault)}", fix)


def _item_level(domain: Path) -> Path:
    """The folder that holds the items: the domain's own, or the `images` that is all it holds."""
    return domain / "images" if _list_folders(domain) == ["images"] else domain


def _list_folders(path: Path) -> list[str]:
    return sorted(entry.name for entry in _list_visible(path) if entry.is_dir())


def _list_pictures(path: Path) -> list[str]:
    return sorted(
        entry.name for entry in _list_visible(path) if Path(entry.name).suffix.lower() in EXTENSIONS and entry.is_file()
    )


def _list_visible(path: Path) -> list[os.DirEntry[str]]:
    """The folder's entries without hidden ones; raises `Failed` for a symbolic link."""
    with os.scandir(path) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in shown:
        if entry.is_symlink():
            raise Failed(
                printable(entry.path),
                "a symbolic link, which could lead anywhere",
                "put the pictures themselves into the folder",
            )
    return shown
