"""What a known data set says of itself, and how one that others host is brought here."""

import functools
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from office31_cli import paths
from office31_cli.data.manifest import Manifest
from office31_cli.data.mirrors import Mirror
from office31_cli.data.published import PublishedRow, read_published
from office31_cli.errors import Failed, Refused
from office31_cli.observer import SILENT, Observer
from office31_cli.text import printable

if TYPE_CHECKING:
    from office31_cli.data.web import Limits


@dataclass(frozen=True)
class ItemSplit:
    """The items of a benchmark's sources, and those of its targets, where they are not the same."""

    source: tuple[str, ...]
    target: tuple[str, ...]


class KnownDataSet(ABC):
    """A data set that `--data` knows by the name of its file and that `office31 download` brings."""

    title: ClassVar[str]
    """What people call it."""
    licence: ClassVar[str | None] = None
    """On what terms its photographs can be had, to follow `is` or `are`; None where there are none to state."""
    licence_name: ClassVar[str | None] = None
    """The same as one word, for the model card of an exported model."""
    citation: ClassVar[str | None] = None
    drawn: ClassVar[bool] = False
    """Whether its pictures are made up by the program, so that it stands in for another where there is no network."""
    splits: ClassVar[Mapping[str, ItemSplit]] = MappingProxyType({})
    """By setting (`partial`, `open` or `universal`) the items that the literature's tables of it divide it by."""

    @property
    def name(self) -> str:
        """The name of the file that it is written in."""
        return type(self).__module__.rpartition(".")[2].replace("_", "-")

    @property
    def root(self) -> Path:
        """The folder that it is brought to."""
        return paths.data_sets() / self.name

    @property
    def command(self) -> str:
        """The command that brings it."""
        return f"office31 download {self.name}"

    @property
    def terms(self) -> str | None:
        """The licence and what to cite, to follow the title and `is`."""
        return "; cite ".join(filter(None, (self.licence, self.citation))) or None

    @property
    def _file(self) -> Path:
        return Path(sys.modules[type(self).__module__].__file__ or "")

    @functools.cached_property
    def published(self) -> list[PublishedRow]:
        """The accuracies that others published on it, a row a method and network."""
        path = self._file.with_name(f"{self._file.stem}-published.csv")
        return read_published(path) if path.exists() else []

    @abstractmethod
    def photographs(self) -> Mapping[str, int]:
        """How many photographs each domain has."""

    @abstractmethod
    def items(self) -> tuple[str, ...]:
        """The names of its items, in order."""

    @abstractmethod
    def is_whole(self, domain: str, digests: Iterable[str]) -> bool:
        """Whether these SHA-256, in whatever order, are those of all photographs of one of its domains."""

    @abstractmethod
    def bring(self, origin: str | None, *, limits: "Limits | None" = None, observer: Observer = SILENT) -> None:
        """Put the whole data set, every photograph checked, at `root`; keep it where it is there already.

        It is taken from `origin` (an archive, a folder or an address), else from wherever the set knows. Raises
        `Refused` for photographs that are missing or altered, and `Failed` where they cannot be had; what was at
        `root` before is then left as it was.
        """

    @abstractmethod
    def verify(self, root: Path, observer: Observer = SILENT) -> None:
        """Read every photograph below `root` again.

        Raises `Refused` where one is missing, altered or does not belong there, and `Failed` where nothing is there.
        """


class ArchivedDataSet(KnownDataSet):
    """A data set of which others host archives, and of which a manifest says what they must hold."""

    mirrors: tuple[Mirror, ...]
    """Tried in this order, until no photograph is missing."""

    @functools.cached_property
    def manifest(self) -> Manifest:
        """Every photograph, from the file `NAME.csv.gz` beside the set's own."""
        return Manifest.read(self._file.with_suffix(".csv.gz"))

    def photographs(self) -> Mapping[str, int]:
        """As the manifest lists them."""
        return self.manifest.domains

    def items(self) -> tuple[str, ...]:
        """As the manifest lists them."""
        return self.manifest.items

    def is_whole(self, domain: str, digests: Iterable[str]) -> bool:
        """As the manifest says."""
        return self.manifest.is_whole(domain, digests)

    def bring(self, origin: str | None, *, limits: "Limits | None" = None, observer: Observer = SILENT) -> None:
        """As `KnownDataSet.bring`; what is there and damaged is replaced."""
        from office31_cli.data.collect import Collector, local_path  # urllib and archives: 0.1 s for this alone
        from office31_cli.data.staging import put_in_place, stage_folder
        from office31_cli.data.transfer import clear_abandoned

        if origin is not None:
            local_path(origin)  # a mistyped path is reported even where there is nothing to do
        root = self.root
        differences = self.manifest.compare(root, observer) if root.exists() else None
        if differences is not None and differences.is_sound:
            observer.say(f"{self.title} is there already, every photograph as it should be: {root}")
            if differences.extra:
                observer.warn(f"{root}: {differences}")
            return
        if differences is not None:
            observer.warn(f"{root} is damaged and will be replaced: {differences}")
        with stage_folder(root) as staging:
            collector = Collector(self.manifest, staging, f"{self.command} --from FILE", limits, observer)
            if origin is None:
                collector.collect_from_mirrors(self.title, self.mirrors)
            else:
                collector.collect_from(origin)
            put_in_place(staging, root, lambda there: self.manifest.compare(there).is_sound)
        clear_abandoned()
        if self.terms:
            observer.say(f"{self.title} is {self.terms}")

    def verify(self, root: Path, observer: Observer = SILENT) -> None:
        """As `KnownDataSet.verify`, naming what is wrong."""
        if not root.is_dir():
            raise Failed(printable(str(root)), f"{self.title} is not there", f"run: {self.command}")
        differences = self.manifest.compare(root, observer)
        if not differences.is_sound:
            raise Refused(printable(str(root)), str(differences), f"replace the folder with: {self.command}")
        if differences.extra:
            raise Refused(printable(str(root)), str(differences), "remove what does not belong there")
