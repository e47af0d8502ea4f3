"""Collects the photographs of a data set from wherever they can be had, good ones only."""

import hashlib
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from office31_cli import storage
from office31_cli.data import archive, transfer
from office31_cli.data.manifest import Differences, Entry, Manifest
from office31_cli.data.mirrors import Mirror
from office31_cli.data.web import Limits
from office31_cli.errors import Failed, Misuse, Office31Error, Refused
from office31_cli.observer import Observer
from office31_cli.text import printable

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")


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


class Collector:
    """Writes the photographs of a manifest into `folder`, each compared with the manifest before it is written.

    `by_hand` is the command that takes an archive which the user fetched.
    """

    def __init__(
        self, manifest: Manifest, folder: Path, by_hand: str, limits: Limits | None, observer: Observer
    ) -> None:
        self._manifest, self._folder, self._observer = manifest, folder, observer
        self._missing = dict(manifest.entries)
        self._limits = limits or Limits(body=max(Limits.body, archive.SPARE * manifest.bytes))
        self._by_hand = by_hand

    def collect_from_mirrors(self, title: str, mirrors: Iterable[Mirror]) -> None:
        """Go from mirror to mirror until nothing is missing; good photographs of an earlier one are kept."""
        faults: list[Office31Error] = []
        for mirror in mirrors:
            try:
                for url, domain in mirror.archives:
                    if self._lacking(domain):
                        self._collect_from_web(url, domain)
                return self._check_complete(mirror.name)
            except (Failed, Refused) as error:
                self._observer.warn(f"{mirror.name}: {error.why}")
                faults.append(type(error)(mirror.name, error.why, error.fix))
        kind = Refused if any(isinstance(fault, Refused) for fault in faults) else Failed
        why = ", ".join(f"{fault.what} ({fault.why})" for fault in faults) or "it names none"
        fix = f"fetch the archive by other means and run: {self._by_hand}"
        raise kind(f"no mirror could provide {title}", why, fix)

    def collect_from(self, origin: str) -> None:
        """Take all from the one archive, folder or address that the user names."""
        path = local_path(origin)
        if path is not None:
            self._collect_from_disk(path)
        else:
            self._collect_from_web(origin, self._domain_in(origin.partition("?")[0]))
        self._check_complete(printable(origin))

    def _collect_from_web(self, url: str, domain: str | None) -> None:
        while True:
            resumed = False
            try:
                with transfer.fetch(url, limits=self._limits, observer=self._observer) as file:
                    resumed = file.resumed
                    self._take(file.path, domain)
                    return self._check_complete(printable(url), domain)
            except Failed as error:
                raise Failed(error.what, error.why, f"try again later, or give a file: {self._by_hand}") from error
            except Refused as error:
                if not resumed:
                    raise Refused(printable(url), error.why, error.fix) from error
                # What an earlier run left may be of another file. It is gone now: judge the file by itself.

    def _collect_from_disk(self, path: Path) -> None:
        self._take(path, self._domain_in(path.name))
        if path.is_dir():  # it may hold one archive a domain instead
            for inner in sorted(path.iterdir()):
                if inner.name.lower().endswith(_ARCHIVES):
                    self._take(inner, self._domain_in(inner.name))

    def _take(self, source: Path, domain: str | None) -> None:
        """Write every photograph that is still missing and right; raises `Refused` where one is not."""

        def find(name: str) -> Entry | None:
            entry = self._manifest.find_entry(name, domain)
            return entry if entry and entry.path in self._missing else None

        altered = []
        total = len(self._manifest.entries)
        with self._observer.track("unpacking photographs", total, total - len(self._missing)) as advance:
            for entry, content in archive.read_photographs(source, find, files=total, size=self._manifest.bytes):
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
            raise Refused(printable(str(source)), str(Differences((), bad, ())), "take another copy")

    def _lacking(self, domain: str | None) -> tuple[str, ...]:
        return tuple(path for path, entry in self._missing.items() if domain in (None, entry.domain))

    def _check_complete(self, where: str, domain: str | None = None) -> None:
        if lacking := self._lacking(domain):
            raise Refused(where, str(Differences(lacking, (), ())), "take a complete copy")

    def _domain_in(self, name: str) -> str | None:
        """The domain that an archive or a folder of this name holds: amazon for `.../amazon.tar.gz`."""
        start = name.rstrip("/").rpartition("/")[2].partition(".")[0].lower()
        return next((domain for domain in self._manifest.domains if domain.lower() == start), None)
