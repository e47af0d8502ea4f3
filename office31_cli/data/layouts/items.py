"""One domain, named after its folder, with a folder an item: ITEM/*."""

from office31_cli.data import labels_table
from office31_cli.data.layouts.base import Layout as Base
from office31_cli.data.layouts.base import Reading, Source
from office31_cli.data.layouts.level import build_listing, describe_folders, find_parts, list_rows


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
        listings = {source.name: build_listing(source.tree.root, "", list_rows(source, ""))}
        return Reading(listings, describe_folders(listings))


def has_item_folders_alone(source: Source) -> bool:
    """Whether there are several folders, none of which holds folders, and no `labels.csv` says what they show.

    A single one is a domain whose items are not known: of one item, nothing could be told apart.
    """
    folders = source.tree.list().folders
    if len(folders) < 2 or any(source.tree.list(folder).folders for folder in folders):
        return False
    return not _have_labels_by_file(source)


def _have_labels_by_file(source: Source) -> bool:
    """Whether a folder has a `labels.csv`, or that of the whole data set has a column for the item."""
    root = source.tree.root
    if any((root / folder / labels_table.FILE).is_file() for folder in source.tree.list().folders):
        return True
    beside = root / labels_table.FILE
    return beside.is_file() and labels_table.states_items(beside)
