"""Gathers the photographs of Office-31 from wherever they can be had, good ones only."""

import hashlib
import urllib.request
from pathlib import Path

from office31_cli import storage
from office31_cli.data import archive, manifest, office31, transfer
from office31_cli.data.web import Limits
from office31_cli.errors import Failed, Misuse, Office31Error, Refused
from office31_cli.observer import Observer
from office31_cli.text import printable

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")
_BY_HAND = "fetch the archive by other means and run: office31 download --from FILE"


def local_path(origin: str) -> Path | None:
    """The archive or folder that `origin` names, None for one on the web.

    Raises `Misuse` where it is not there or an address of an unknown kind.
    """
    scheme, separator, rest = origin.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        return None
    if separator and scheme.lower() != "file":
        raise Misuse(printable(origin), "not a kind of address that is known", "give http, https or a file")
    path = Path(urllib.request.url2pathname(rest.removeprefix("localhost")) if separator else origin)
    if not path.exists():
        raise Misuse(printable(str(path)), "not there", "give an archive, a folder, or an address")
    if not (path.is_dir() or path.is_file()):
        raise Misuse(printable(str(path)), "neither a file nor a folder", "give an archive or a folder")
    return path


class Gathering:
    """The photographs that were found so far, each compared with the manifest before it was written."""

    def __init__(self, folder: Path, observer: Observer, limits: Limits | None) -> None:
        self._folder, self._observer, self._limits = folder, observer, limits
        self._missing = dict(manifest.entries())

    def from_mirrors(self) -> None:
        """Go from mirror to mirror until nothing is missing; good photographs of an earlier one are kept."""
        faults: list[Office31Error] = []
        for mirror in office31.MIRRORS:
            try:
                for url, domain in mirror.archives:
                    if self._lacking(domain):
                        self._from_web(url, domain)
                return self._require(mirror.name)
            except (Failed, Refused) as error:
                self._observer.warn(f"{mirror.name}: {error.why}")
                faults.append(type(error)(mirror.name, error.why, error.fix))
        kind = Refused if any(isinstance(fault, Refused) for fault in faults) else Failed
        why = ", ".join(f"{fault.what} ({fault.why})" for fault in faults)
        raise kind("no mirror could provide Office-31", why, _BY_HAND)

    def from_origin(self, origin: str) -> None:
        """Take all from the one place that the user names."""
        path = local_path(origin)
        if path is not None:
            self._from_disk(path)
        else:
            self._from_web(origin, _domain_in(origin.partition("?")[0]))
        self._require(printable(origin))

    def _from_web(self, url: str, domain: str | None) -> None:
        while True:
            resumed = False
            try:
                with transfer.fetch(url, limits=self._limits, observer=self._observer) as fetched:
                    resumed = fetched.resumed
                    self._take(fetched.path, domain)
                    return self._require(printable(url), domain)
            except Refused as error:
                if not resumed:
                    raise Refused(printable(url), error.why, error.fix) from error
                # What an earlier run left may be of another file. It is gone now: judge the file by itself.

    def _from_disk(self, path: Path) -> None:
        self._take(path, _domain_in(path.name))
        if path.is_dir():  # it may hold one archive a domain instead
            for inner in sorted(path.iterdir()):
                if inner.name.lower().endswith(_ARCHIVES):
                    self._take(inner, _domain_in(inner.name))

    def _take(self, source: Path, domain: str | None) -> None:
        """Write every photograph that is still missing and right; raises `Refused` where one is not."""

        def find(name: str) -> manifest.Entry | None:
            entry = manifest.find(name, domain)
            return entry if entry and entry.path in self._missing else None

        altered = []
        total, have = len(manifest.entries()), len(manifest.entries()) - len(self._missing)
        with self._observer.track("unpacking photographs", total, have) as advance:
            for entry, content in archive.read_photographs(source, find):
                if hashlib.sha256(content).hexdigest() != entry.sha256:
                    altered.append(entry.path)
                    continue
                target = self._folder / entry.path
                storage.make_folder(target.parent)
                storage.create_file(target, content, sync=False)
                del self._missing[entry.path]
                advance(1)
        # A good copy of the same photograph elsewhere in the source makes up for an altered one.
        if bad := tuple(path for path in altered if path in self._missing):
            raise Refused(printable(str(source)), str(manifest.Differences((), bad, ())), "take another copy")

    def _lacking(self, domain: str | None) -> tuple[str, ...]:
        return tuple(path for path, entry in self._missing.items() if domain in (None, entry.domain))

    def _require(self, where: str, domain: str | None = None) -> None:
        if lacking := self._lacking(domain):
            raise Refused(where, str(manifest.Differences(lacking, (), ())), "take a complete copy")


def _domain_in(name: str) -> str | None:
    """The domain that an archive or a folder of this name holds: amazon for `.../amazon.tar.gz`."""
    start = name.rstrip("/").rpartition("/")[2].partition(".")[0].lower()
    return start if start in office31.DOMAINS else None
