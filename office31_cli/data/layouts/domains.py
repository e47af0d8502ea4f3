"""Folders of domains, each with a folder an item, or with its pictures alone: DOMAIN/ITEM/*."""

from office31_cli.data.data_set import Listing
from office31_cli.data.layouts.base import Layout as Base
from office31_cli.data.layouts.base import Reading, Source, misplaced
from office31_cli.data.layouts.index import FILES
from office31_cli.data.layouts.items import has_item_folders_alone
from office31_cli.data.layouts.level import find_parts, is_nested, join, list_parts, read_domain, show
from office31_cli.text import join_names


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
        return Reading(listings, _describe(listings))


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


def _describe(listings: dict[str, Listing]) -> str | None:
    parts = [f"{domain} in {' and '.join(found)}" for domain, each in listings.items() if (found := list_parts(each))]
    words = f", {join_names(parts, 3)}" if parts else ""
    if any(map(is_nested, listings.values())):
        words += ", with folders below the items"
    return words or None
