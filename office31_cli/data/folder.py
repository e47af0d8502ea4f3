"""Anyone's folder of photographs: `DOMAIN/ITEM/*`, or `DOMAIN/images/ITEM/*` as Office-31 was first laid out.

Each domain holds the items that it has. Pictures that lie in no item folder, `DOMAIN/*` or `DOMAIN/images/*`, are
unlabelled.
"""

from pathlib import Path

from office31_cli.data.data_set import DataSet, Listing
from office31_cli.data.walk import Folder, list_folder
from office31_cli.errors import Failed
from office31_cli.text import printable

_EXPECTED = "expected DOMAIN/ITEM/* or DOMAIN/images/ITEM/* below it"


def open_folder(root: Path, name: str | None = None) -> DataSet:
    """Read the layout of the data set at `root`.

    Raises `Failed` in one line that says what was expected and what is there instead: no folder, no domains, none that
    is labelled, an `images` level in the wrong place, an item without pictures, or a symbolic link.
    """
    if not root.is_dir():
        raise Failed(printable(str(root)), f"there is no such folder; {_EXPECTED}", "check --data")
    domains = list_folder(root).folders
    if not domains:
        raise _misplaced(root, "it holds no folders", "give the folder that holds the domains")
    if "images" in domains:
        raise _misplaced(
            root,
            "it holds a folder 'images' where a domain should be",
            "give the folder above it, or move 'images' below each domain",
        )
    listings = {domain: _list_domain(root, domain) for domain in domains}
    data = DataSet.of(name or root.name, root, listings)
    if not data.items:
        raise _no_items(root, domains[0], "pictures but no item folders")
    return data


def _list_domain(root: Path, domain: str) -> Listing:
    """A domain's files, by item folder and name; pictures beside the item folders have no label."""
    level, folder = _find_item_level(root, domain)
    if not folder.folders and not folder.pictures:
        raise _no_items(root, domain, "no item folders")
    files = [((item, name), item) for item in folder.folders for name in _list_item(root, domain, level, item)]
    loose: list[tuple[tuple[str, ...], None]] = [((name,), None) for name in folder.pictures]
    ordered = sorted([*files, *loose], key=lambda each: each[0])
    return Listing(level, tuple("/".join(parts) for parts, _ in ordered), tuple(label for _, label in ordered))


def _find_item_level(root: Path, domain: str) -> tuple[Path, Folder]:
    """The folder that holds the items, the domain's own or the `images` that is all it holds, and what lies there."""
    above = list_folder(root / domain)
    if above.folders != ("images",):
        return root / domain, above
    if above.pictures:  # half of them would not be seen
        raise _misplaced(
            root, f"{domain}/ holds pictures and a folder 'images'", "put all pictures into one of the two"
        )
    level = root / domain / "images"
    return level, list_folder(level)


def _list_item(root: Path, domain: str, level: Path, item: str) -> tuple[str, ...]:
    """The pictures of an item, of which there is at least one."""
    folder = list_folder(level / item)
    if folder.pictures:
        return folder.pictures
    shown = f"{_show_level(level, domain)}{item}"
    if folder.folders:
        raise _misplaced(
            root,
            f"{shown} holds a folder {folder.folders[0]!r} where pictures should be",
            "put its pictures directly into it",
        )
    raise _misplaced(root, f"{shown} holds no pictures", "add some, or remove the folder")


def _no_items(root: Path, domain: str, instead: str) -> Failed:
    level, _ = _find_item_level(root, domain)
    return _misplaced(
        root,
        f"{_show_level(level, domain)} holds {instead}",
        "give the folder that holds the domains, with a folder for each item in each of them",
    )


def _show_level(level: Path, domain: str) -> str:
    return f"{domain}/" + ("images/" if level.name == "images" else "")


def _misplaced(root: Path, fault: str, fix: str) -> Failed:
    return Failed(printable(str(root)), f"{_EXPECTED}, found that {printable(fault)}", fix)
