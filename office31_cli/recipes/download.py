"""`office31 download`: brings a known data set here, whole and checked, or not at all."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from office31_cli.data import sets
from office31_cli.observer import SILENT, Observer

if TYPE_CHECKING:
    from office31_cli.data.web import Limits


@dataclass(frozen=True)
class DownloadResult:
    """A data set that is here, each of its photographs compared with the manifest."""

    dataset: str
    root: Path
    domains: dict[str, int]
    photographs: int
    items: int
    verified: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The object that `office31 download --json` prints."""
        return {
            "dataset": self.dataset,
            "root": str(self.root),
            "domains": self.domains,
            "photographs": self.photographs,
            "items": self.items,
            "verified": self.verified,
            "seconds": self.seconds,
        }


def download(
    origin: str | None = None,
    *,
    data_set: str = sets.DEFAULT,
    observer: Observer = SILENT,
    limits: "Limits | None" = None,
) -> DownloadResult:
    """Bring a known data set into the folder of data sets, as `NAME/DOMAIN/ITEM/FILE`.

    It is taken from `origin` (a .zip, .tar or .tar.gz, a folder, or the http, https or file address of an archive),
    else from its public mirrors in turn; the sample is drawn. Where it is there already and undamaged, nothing is done.
    Raises `Misuse` for a data set that is not known, `Refused` for photographs that are missing, altered, or come in a
    hostile wrapping, and `Failed` where they cannot be had; what was there before is then left as it was.
    """
    began = time.monotonic()
    known = sets.load(data_set)
    known.bring(origin, limits=limits, observer=observer)
    return _result(known, known.root, began)


def verify_download(
    root: str | os.PathLike[str] | None = None, *, data_set: str = sets.DEFAULT, observer: Observer = SILENT
) -> DownloadResult:
    """Read every photograph of a known data set again, below `root` or where `download` puts them.

    Raises `Refused` naming what is missing, altered, or should not be there, and `Failed` where nothing is there.
    """
    began = time.monotonic()
    known = sets.load(data_set)
    folder = known.root if root is None else Path(root)
    known.verify(folder, observer)
    return _result(known, folder, began)


def _result(known: sets.KnownDataSet, root: Path, began: float) -> DownloadResult:
    domains = dict(known.photographs())
    return DownloadResult(
        dataset=known.name,
        root=root,
        domains=domains,
        photographs=sum(domains.values()),
        items=len(known.items()),
        verified=True,
        seconds=round(time.monotonic() - began, 3),
    )
