"""What a layout is asked, and what it answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from office31_cli.data.data_set import Listing
from office31_cli.data.walk import Tree
from office31_cli.errors import Failed
from office31_cli.text import printable

EXPECTED = "expected DOMAIN/ITEM/* or DOMAIN/images/ITEM/* below it"


@dataclass(frozen=True)
class Source:
    """The folder of a data set, and what the user says of it."""

    tree: Tree
    name: str
    """The data set's, and its domain's where the folder is one."""
    nested: bool = False
    """The folders in it are the items of one domain, whatever lies below them."""
    index: str | None = None
    """The name of the file in it that the user gave as the index."""


@dataclass(frozen=True)
class Reading:
    """The files of each domain, by its name, and what to say of the layout."""

    listings: Mapping[str, Listing]
    words: str | None = None
    """What follows `taken for 2 domains of 12 items`; None for DOMAIN/ITEM as it is usual, of which nothing is said."""


class Layout(ABC):
    """A way in which people lay out folders of photographs."""

    shape: ClassVar[str]
    """How it looks, for messages and tables: `DOMAIN/ITEM/*`."""
    precedence: ClassVar[int] = 1
    """Of the layouts that recognise a folder, those with the highest one are taken: a file or a name says more than the
    shape of the folders."""

    @abstractmethod
    def recognises(self, source: Source) -> bool:
        """Whether the folder is laid out so, by its names and the shape of its folders."""

    @abstractmethod
    def read(self, source: Source) -> Reading:
        """Each picture in exactly one domain; raises `Failed` in one line that names what does not fit."""


def misplaced(source: Source, fault: str, fix: str) -> Failed:
    """The error for a folder in which something lies where the layout has no place for it."""
    return Failed(printable(str(source.tree.root)), f"{EXPECTED}, found that {printable(fault)}", printable(fix))
