"""One domain, named after its folder, with a folder an item: ITEM/*."""

from office31_cli.data.layouts.base import Layout as Base
from office31_cli.data.layouts.base import Reading, Source
from office31_cli.data.layouts.level import build_listing, find_parts, is_nested, list_rows

LABELS = "labels.csv"
"""The file that may say what pictures show which lie in no item folders."""


class Layout(Base):
    """ITEM/*: with `--nested`, whatever lies below the items."""

    shape = "ITEM/*"

    def recognises(self, source: Source) -> bool:
        """Where there are several folders, which hold pictures alone, or the user says that they are items; where there
        are pictures alone, and a `labels.csv` says what they show."""
        folders = source.tree.list().folders
        if "images" in folders:
            return False
        if not folders:
            return bool(source.tree.list().pictures) and _have_labels_by_file(source)
        return source.nested or has_item_folders_alone(source)

    def read(self, source: Source) -> Reading:
        """Each folder is an item; pictures beside them have no label."""
        if not source.nested:
            find_parts(source, "")  # raises where parts stand beside items
        listing = build_listing(source.tree.root, "", list_rows(source, ""))
        return Reading({source.name: listing}, ", with folders below the items" if is_nested(listing) else "")


def has_item_folders_alone(source: Source) -> bool:
    """Whether there are several folders, none of which holds folders, and no `labels.csv` says what they show.

    A single one is a domain whose items are not known: of one item, nothing could be told apart.
    """
    folders = source.tree.list().folders
    if len(folders) < 2 or any(source.tree.list(folder).folders for folder in folders):
        return False
    return not _have_labels_by_file(source)


def _have_labels_by_file(source: Source) -> bool:
    """Whether a folder has a `labels.csv`, or that of the whole data set has a column `item`."""
    root = source.tree.root
    if any((root / folder / LABELS).is_file() for folder in source.tree.list().folders):
        return True
    try:
        with (root / LABELS).open("rb") as stream:
            header = stream.readline(1 << 16)
    except OSError:
        return False
    columns = header.removeprefix(b"\xef\xbb\xbf").split(b",")
    return b"item" in [column.partition(b":")[0].strip(b' \t\r\n"') for column in columns]
