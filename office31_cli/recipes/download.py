"""Brings Office-31 here, whole and checked, or not at all."""

import contextlib
import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from office31_cli import paths, storage
from office31_cli.data import manifest, office31, sample, transfer
from office31_cli.data.catalogue import SAMPLE
from office31_cli.data.collect import Gathering, local_path
from office31_cli.data.web import Limits
from office31_cli.errors import Failed, Refused
from office31_cli.observer import SILENT, Observer
from office31_cli.text import printable


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


def download(origin: str | None = None, *, observer: Observer = SILENT, limits: Limits | None = None) -> DownloadResult:
    """Office-31 in the folder of data sets, as `office31/DOMAIN/ITEM/frame_NNNN.jpg`.

    It is taken from `origin` (a .zip, .tar or .tar.gz, a folder, or the http, https or file address of an
    archive), else from the public mirrors in turn. Where it is there already and undamaged, nothing is done.
    Raises `Refused` for photographs that are missing, altered, or come in a hostile wrapping, and `Failed` where
    they cannot be had; what was there before is then left as it was.
    """
    began = time.monotonic()
    if origin is not None:
        local_path(origin)  # a mistyped path is told even where there is nothing to do
    root = _root()
    found = manifest.compare(root, observer) if root.exists() else None
    if found is None or found.missing or found.altered:
        if found:
            observer.warn(f"{root} is damaged and will be replaced: {found}")
        with staged(root) as staging:
            gathering = Gathering(staging, observer, limits)
            if origin is None:
                gathering.from_mirrors()
            else:
                gathering.from_origin(origin)
            _put_in_place(staging, root)
        transfer.clear_abandoned()
        observer.say(f"{office31.TITLE} is {office31.LICENCE}")
    else:
        observer.say(f"{office31.TITLE} is there already, every photograph as it should be: {root}")
        if found.extra:
            observer.warn(f"{root}: {found}")
    return _downloaded(root, began)


def verify(root: Path | None = None, *, observer: Observer = SILENT) -> DownloadResult:
    """Read every photograph again, below `root` or where `download` puts them.

    Raises `Refused` naming what is missing, altered, or should not be there, and `Failed` where nothing is there.
    """
    began = time.monotonic()
    root = root or _root()
    if not root.is_dir():
        raise Failed(printable(str(root)), f"{office31.TITLE} is not there", "run: office31 download")
    found = manifest.compare(root, observer)
    if found.missing or found.altered:
        raise Refused(printable(str(root)), str(found), "replace the folder with: office31 download")
    if found.extra:
        raise Refused(printable(str(root)), str(found), "remove what does not belong there")
    return _downloaded(root, began)


def _root() -> Path:
    return paths.data_sets() / office31.NAME


@contextlib.contextmanager
def staged(root: Path) -> Iterator[Path]:
    """An empty folder of our own beside `root`, gone afterwards, and with it those of killed processes."""
    parent = storage.make_folder(root.parent)
    while left := storage.take_over(parent, f".{root.name}"):
        _remove(left)
    staging = storage.make_folder(parent / storage.owned_name(f".{root.name}"))
    try:
        yield staging
    finally:
        storage.remove_folder(staging)


def _put_in_place(staging: Path, root: Path) -> None:
    """Let the whole data set appear at `root` at once, in place of a damaged one that may be there."""
    storage.sync_all()
    while True:
        try:
            return storage.replace(staging, root)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
        found = manifest.compare(root)
        if not (found.missing or found.altered):
            return None  # another process was faster
        aside = root.with_name(storage.owned_name(f".{root.name}"))
        with contextlib.suppress(FileNotFoundError):  # another process was faster here, too
            root.rename(aside)
            _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        storage.remove_folder(path)
    else:
        storage.remove_file(path)


def _downloaded(root: Path, began: float) -> DownloadResult:
    items = {entry.item for entry in manifest.entries().values()}
    return DownloadResult(
        dataset=office31.NAME,
        root=root,
        domains=dict(manifest.domains()),
        photographs=len(manifest.entries()),
        items=len(items),
        verified=True,
        seconds=round(time.monotonic() - began, 3),
    )


def draw_sample(*, seed: int = 0, observer: Observer = SILENT) -> DownloadResult:
    """The drawn sample in the folder of data sets, as `sample/DOMAIN/ITEM/frame_NNNN.jpg`.

    It appears whole or not at all, and one that is there already is kept. Raises `Refused` where what is there
    is not what drawing with this seed makes.
    """
    began = time.monotonic()
    root = paths.data_sets() / SAMPLE
    if root.exists():
        observer.say(f"the sample is there already: {root}")
    else:
        with staged(root) as staging:
            sample.draw_sample(staging, seed=seed, observer=observer)
            storage.sync_all()
            try:
                storage.replace(staging, root)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process was faster
                    raise
    return _verified(began, seed)


def verify_sample(*, seed: int = 0) -> DownloadResult:
    """Check the sample that is here; raises `Failed` where there is none, and `Refused` where it was altered."""
    began = time.monotonic()
    if not (paths.data_sets() / SAMPLE).is_dir():
        raise Failed(f"data set {SAMPLE}", f"it is not in {paths.data_sets()}", "run: office31 download --sample")
    return _verified(began, seed)


def _verified(began: float, seed: int) -> DownloadResult:
    root = paths.data_sets() / SAMPLE
    if not sample.is_intact(root, seed=seed):
        why = f"it is not, or not only, what drawing with seed {seed} makes"
        raise Refused(printable(str(root)), why, "move it away, and run: office31 download --sample")
    domains = sample.domains()
    return DownloadResult(
        dataset=SAMPLE,
        root=root,
        domains=domains,
        photographs=sum(domains.values()),
        items=len(sample.items()),
        verified=True,
        seconds=round(time.monotonic() - began, 3),
    )
