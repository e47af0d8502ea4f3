"""A data set: its domains, the picture files of each, and the item that each file shows, where that is known."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from office31_cli.data.parts import TEST, VALIDATION
from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable

if TYPE_CHECKING:
    from office31_cli.data.photographs import Photographs


@dataclass(frozen=True)
class Listing:
    """The picture files of one domain: paths below `root` in a fixed order, and the item of each.

    Their order does not depend on the labels, so that what is cached of a domain stays valid where some are added.
    """

    root: Path
    files: tuple[str, ...]
    labels: tuple[str | None, ...]
    """The item of each file; None for one that is not labelled."""
    parts: tuple[str | None, ...] = ()
    """The part of each file, one of those in `data.parts`, None for one in none; empty where there are no parts."""
    by_file: bool = False
    """Whether a file of labels says what some of them show, and not the folders that they lie in alone."""

    @cached_property
    def items(self) -> tuple[str, ...]:
        """The items that at least one file is labelled with, in alphabetical order."""
        return tuple(sorted({label for label in self.labels if label is not None}))

    @cached_property
    def is_divided(self) -> bool:
        """Whether labelled files are in a part that is to be scored, so that none needs to be drawn."""
        pairs = zip(self.parts, self.labels, strict=True) if self.parts else ()
        return any(part in (VALIDATION, TEST) and label is not None for part, label in pairs)

    def relabel(self, labels: Mapping[str, str]) -> "Listing":
        """The same files with other labels for those that `labels` names."""
        pairs = zip(self.files, self.labels, strict=True)
        return replace(
            self, labels=tuple(labels.get(file, label) for file, label in pairs), by_file=self.by_file or bool(labels)
        )

    def keep_labels(self, files: Container[str]) -> "Listing":
        """The same files, of which only these are labelled."""
        pairs = zip(self.files, self.labels, strict=True)
        return replace(self, labels=tuple(label if file in files else None for file, label in pairs))


@dataclass(frozen=True)
class DataSet:
    """A data set on disk: a name to show, its domains, and the items that labels are numbered by.

    As opened, its `items` are those of all domains in alphabetical order; a domain may hold some of them only. What a
    network predicts are the items that it was trained on: `numbered` is the data set as that network numbers it.
    """

    name: str
    root: Path
    listings: Mapping[str, Listing] = field(hash=False)
    """The files of each domain, by its name in alphabetical order."""
    items: tuple[str, ...]
    """Labels are numbered by their position here; a photograph of any other item is `UNKNOWN`."""
    layout: str = ""
    """What its folder was taken for; empty where that is the usual DOMAIN/ITEM, of which nothing needs to be said."""
    index: str | None = None
    """The file in `root` that it was opened by; None where that was the folder."""
    nested: bool = False
    """Whether the user said that the folders in it are items, whatever lies below them."""
    follow_links: Path | None = None
    """The folder below which the user said that links may lead; None where none was followed."""

    @classmethod
    def of(cls, name: str, root: Path, listings: Mapping[str, Listing]) -> "DataSet":
        """The data set of these domains, whose items are all that one of them holds."""
        items = {item for listing in listings.values() for item in listing.items}
        return cls(name, root, MappingProxyType(dict(listings)), tuple(sorted(items)))

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of its domains."""
        return tuple(self.listings)

    @property
    def labelled_domains(self) -> tuple[str, ...]:
        """The domains of which at least one photograph is labelled."""
        return tuple(domain for domain, listing in self.listings.items() if listing.items)

    @property
    def unlabelled_domains(self) -> tuple[str, ...]:
        """The domains of which no photograph is labelled."""
        return tuple(domain for domain, listing in self.listings.items() if not listing.items)

    def items_of(self, *domains: str) -> tuple[str, ...]:
        """The items that the labels of these domains name, in alphabetical order, whether or not they are numbered."""
        return tuple(sorted({item for domain in domains for item in self.listings[domain].items}))

    def numbered(self, items: Iterable[str]) -> "DataSet":
        """The same data set with labels numbered by these items: those that a network predicts, in its order."""
        return replace(self, items=tuple(items))

    def relabelled(self, labels: Mapping[str, Mapping[str, str]]) -> "DataSet":
        """The same data set with other labels for files: by domain, the item of each file named.

        Items that no label named before follow the others.
        """
        listings = {
            domain: listing.relabel(labels.get(domain, {})) if domain in labels else listing
            for domain, listing in self.listings.items()
        }
        added = {item for listing in listings.values() for item in listing.items} - set(self.items)
        return replace(self, listings=MappingProxyType(listings), items=(*self.items, *sorted(added)))

    def keep_labels(self, files: Mapping[str, Iterable[str]]) -> "DataSet":
        """The same data set in which only these files of a domain are labelled; other domains are as they are."""
        listings = dict(self.listings)
        for domain, kept in files.items():
            listings[domain] = listings[domain].keep_labels(frozenset(kept))
        return replace(self, listings=MappingProxyType(listings))

    def check_domain(self, domain: str) -> None:
        """Raise `Misuse` with a near match where the data set has no such domain."""
        if domain not in self.listings:
            raise Misuse(
                f"domain {printable(domain)}",
                f"{printable(self.name)} has no such domain",
                did_you_mean(domain, self.domains),
            )

    def check_labelled(self, domain: str) -> None:
        """As `check_domain`; raise `Misuse` too where no photograph of the domain is labelled."""
        self.check_domain(domain)
        if not self.listings[domain].items:
            raise Misuse(
                f"domain {printable(domain)}",
                "none of its pictures has a label: they lie in no item folders, and no labels.csv names them",
                "put each into a folder named after its item, or use it as the --target of office31 adapt",
            )

    def photographs(self, domain: str) -> "Photographs":
        """The domain's photographs in the order of its listing; each file's bytes are hashed once."""
        from office31_cli.data.photographs import (  # numpy, 0.1 s: names alone need none of it
            UNKNOWN,
            UNLABELLED,
            Photographs,
        )

        self.check_domain(domain)
        listing = self.listings[domain]
        numbers: dict[str | None, int] = {item: number for number, item in enumerate(self.items)}
        numbers[None] = UNLABELLED
        return Photographs.of(
            domain,
            listing.root,
            listing.files,
            [numbers.get(label, UNKNOWN) for label in listing.labels],
            listing.parts,
        )
