"""One domain, named after its folder, divided into parts: train|val|test/ITEM/*."""

from office31_cli.data.layouts.base import Layout as Base
from office31_cli.data.layouts.base import Reading, Source
from office31_cli.data.layouts.level import describe_folders, describe_parts, read_domain
from office31_cli.data.parts import PARTS


class Layout(Base):
    """train/ITEM/*, val/ITEM/* and test/ITEM/*, two of them or all, which are kept."""

    shape = "train|val|test/ITEM/*"
    precedence = 2

    def recognises(self, source: Source) -> bool:
        """Where two folders or more are all called as parts are."""
        folders = source.tree.list().folders
        return len(folders) > 1 and not source.nested and all(folder.lower() in PARTS for folder in folders)

    def read(self, source: Source) -> Reading:
        """The parts of one domain; raises `Failed` where two folders are the same part."""
        listings = {source.name: read_domain(source, "")}
        return Reading(listings, describe_parts(listings) + describe_folders(listings))
