"""What the layouts of folders share: a folder of items, the parts that a domain may be divided into, and its files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from office31_cli.data.data_set import Listing
from office31_cli.data.layouts.base import Source, misplaced
from office31_cli.data.parts import PARTS, TEST, TRAIN, VALIDATION
from office31_cli.data.walk import Folder
from office31_cli.text import join_names


class Row(NamedTuple):
    """A picture: its path below the data set's folder, its item and its part, where they are known."""

    file: str
    item: str | None
    part: str | None = None


def build_listing(root: Path, below: str, rows: Iterable[Row]) -> Listing:
    """The listing of pictures that all lie in the folder `below`, in the order of their paths' parts."""
    start = len(below) + 1 if below else 0
    ordered = sorted(rows, key=lambda row: row.file.split("/"))
    return Listing(
        root / below,
        tuple(row.file[start:] for row in ordered),
        tuple(row.item for row in ordered),
        tuple(row.part for row in ordered) if any(row.part for row in ordered) else (),
    )


def find_parts(source: Source, path: str) -> dict[str, str]:
    """The folders in `path` that are the parts of a domain, by part; none where they are items or domains.

    Raises `Failed` where some are parts and others are not, and where two are the same part.
    """
    folders = source.tree.list(path).folders
    named = [folder for folder in folders if folder.lower() in PARTS]
    if len(named) < 2:
        return {}
    if rest := [folder for folder in folders if folder.lower() not in PARTS]:
        raise misplaced(
            source,
            f"{show(path)} holds two layouts at once, the parts {join_names(named)} and besides {join_names(rest, 3)}",
            "keep the parts alone, or rename them",
        )
    parts: dict[str, str] = {}
    for folder in named:
        part = PARTS[folder.lower()]
        if part in parts:
            raise misplaced(
                source, f"{show(path)} holds two folders for one part, {parts[part]} and {folder}", "join them"
            )
        parts[part] = folder
    return parts


def find_item_level(source: Source, path: str) -> str:
    """The folder that holds the items: `path` itself, or the `images` that is all it holds."""
    above = source.tree.list(path)
    if above.folders != ("images",):
        return path
    if above.pictures:  # half of them would not be seen
        raise misplaced(
            source, f"{show(path)} holds pictures and a folder 'images'", "put all pictures into one of the two"
        )
    return join(path, "images")


def list_rows(source: Source, path: str, part: str | None = None) -> list[Row]:
    """The pictures of a folder of items; those beside the folders have no label.

    Raises `Failed` where it holds nothing, or an item without pictures.
    """
    level = find_item_level(source, path)
    folder = source.tree.list(level)
    if folder == Folder((), ()):
        raise misplaced(
            source,
            f"{show(level)} holds no item folders",
            "give the folder that holds the domains, with a folder for each item in each of them",
        )
    rows = [Row(join(level, name), None, part) for name in folder.pictures]
    for item in folder.folders:
        pictures = list(source.tree.list_pictures(join(level, item)))
        if not pictures:
            raise misplaced(source, f"{join(level, item)} holds no pictures", "add some, or remove the folder")
        rows += (Row(file, item, part) for file in pictures)
    return rows


def read_domain(source: Source, path: str) -> Listing:
    """A domain's pictures: of its items, or of the items in each of its parts."""
    level = find_item_level(source, path)
    parts = find_parts(source, level)
    if not parts:
        return build_listing(source.tree.root, level, list_rows(source, level))
    if source.tree.list(level).pictures:
        raise misplaced(
            source, f"{show(level)} holds pictures beside its parts {join_names(parts.values())}", "move them into one"
        )
    rows = (row for part, folder in parts.items() for row in list_rows(source, join(level, folder), part))
    return build_listing(source.tree.root, level, rows)


def describe_parts(listings: Mapping[str, Listing]) -> str:
    """What to say of the parts that domains come in: nothing where none does, once what all have in common."""
    parts = {domain: _name_parts(listing) for domain, listing in listings.items() if listing.parts}
    if not parts:
        return ""
    if len(parts) == len(listings) and len(set(parts.values())) == 1:
        return f", {'each ' if len(parts) > 1 else ''}in {next(iter(parts.values()))}"
    return f", {join_names((f'{domain} in {named}' for domain, named in parts.items()), 3)}"


def _name_parts(listing: Listing) -> str:
    *others, last = (part for part in (TRAIN, VALIDATION, TEST) if part in listing.parts)
    return f"{', '.join(others)} and {last}" if others else last


def describe_folders(listings: Mapping[str, Listing]) -> str:
    """What to say where pictures lie in folders below those of their items."""
    nested = any(
        item is not None and file.rsplit("/", 2)[-2] != item
        for listing in listings.values()
        for file, item in zip(listing.files, listing.labels, strict=True)
    )
    return ", with folders below the items" if nested else ""


def join(above: str, name: str) -> str:
    """A path below the data set's folder."""
    return f"{above}/{name}" if above else name


def show(path: str) -> str:
    """A folder for a message."""
    return f"{path}/" if path else "it"
