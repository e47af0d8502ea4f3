"""Folders of domains, each with a folder an item, or with its pictures alone: DOMAIN/ITEM/*."""

from office31_cli.data.layouts.base import Layout as Base
from office31_cli.data.layouts.base import Reading, Source, misplaced
from office31_cli.data.layouts.index import FILES
from office31_cli.data.layouts.items import has_item_folders_alone
from office31_cli.data.layouts.level import describe_folders, describe_parts, find_parts, join, read_domain, show


class Layout(Base):
    """DOMAIN/ITEM/* or DOMAIN/images/ITEM/*, with or without parts above the items and folders below them."""

    shape = "DOMAIN/ITEM/*"

    def recognises(self, source: Source) -> bool:
        """Where a folder holds folders, where there is one alone, or where a `labels.csv` says what pictures show."""
        folders = source.tree.list().folders
        return bool(folders) and "images" not in folders and not source.nested and not has_item_folders_alone(source)

    def read(self, source: Source) -> Reading:
        """Each folder is a domain."""
        above = source.tree.list()
        if above.pictures:
            raise misplaced(
                source,
                f"it holds pictures, such as {above.pictures[0]}, beside the folders of its domains",
                "move them into a domain's folder, or add --nested if each folder is an item",
            )
        find_parts(source, "")  # raises where parts stand beside domains
        if len(above.folders) == 1:
            _check_single(source, above.folders[0])
        listings = {domain: read_domain(source, domain) for domain in above.folders}
        return Reading(listings, describe_parts(listings) + describe_folders(listings) or None)


def _check_single(source: Source, domain: str) -> None:
    """Raise `Failed` where the only folder may as well hold the domains: an archive often adds a folder around all."""
    inner = source.tree.root / domain
    if any((inner / name).is_file() for name in FILES):
        raise misplaced(source, f"{show(domain)} holds the index", f"give the folder {inner}")
    inside = source.tree.list(domain)
    below = [source.tree.list(join(domain, folder)) for folder in inside.folders if folder != "images"]
    if not inside.pictures and below and not any(folder.pictures or not folder.folders for folder in below):
        raise misplaced(
            source,
            f"all lies in {show(domain)}, whose folders hold folders alone: they may be domains, or items",
            f"give the folder {inner}, and add --nested if it is one domain",
        )
