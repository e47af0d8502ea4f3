"""Downloads one file: resumed where it broke off, limited in size and patience, and refused where it is a web page.

An unfinished transfer is a folder `KEY.PID@HOST.HEX/` in the cache with `body`, what arrived so far, and `state`, what
the server said of the file. It belongs to one process at a time, so that any number may fetch the same address at once;
what a killed process left behind is taken over by the next one that asks for the address.
"""

import contextlib
import hashlib
import http.client
import json
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from office31_cli import paths, storage
from office31_cli.data import web
from office31_cli.data.web import Limits
from office31_cli.errors import Failed, Refused
from office31_cli.observer import SILENT, Observer
from office31_cli.text import pluralize, printable

_BUSY = (408, 429, 500, 502, 503, 504)
_HTML = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True)
class FetchedFile:
    """A file that arrived; `resumed` where a part of it is from an earlier run, and may be of another file."""

    path: Path
    resumed: bool


@contextlib.contextmanager
def fetch(url: str, *, limits: Limits | None = None, observer: Observer = SILENT) -> Iterator[FetchedFile]:
    """Download the file at `url` for as long as the context lasts; it is removed when that ends, or raises `Refused`.

    After any other exception it is kept for the next time. Raises `Failed` where no whole file can be had, and
    `Refused` for a redirect to anything but HTTP(S), one from https to http, and a body that is too large.
    """
    transfer = _Transfer(url, limits or Limits(), observer)
    try:
        transfer.finish()
        yield FetchedFile(transfer.body, transfer.resumed)
    except Refused:
        storage.remove_folder(transfer.folder)
        raise
    except BaseException:
        transfer.release()
        raise
    storage.remove_folder(transfer.folder)


def clear_abandoned() -> None:
    """Remove what broken transfers left behind, from whatever address."""
    while left := storage.take_over(_transfer_folder()):
        storage.remove_folder(left)


def _transfer_folder() -> Path:
    return paths.cache_home() / "downloads"


class _Transfer:
    """One address on its way into a folder of ours."""

    def __init__(self, url: str, limits: Limits, observer: Observer) -> None:
        self._url, self._limits, self._observer = url, limits, observer
        self._key = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        downloads = storage.make_folder(_transfer_folder())
        self.folder = storage.take_over(downloads, self._key) or storage.make_folder(
            downloads / storage.owned_name(self._key)
        )
        self.body = self.folder / "body"
        self.resumed = self._size() > 0
        self._total, self._validator = self._recall()

    def finish(self) -> None:
        """Bring what is missing of the file, in as many attempts as the limits allow."""
        fault = ""
        for attempt in range(self._limits.attempts):
            if attempt:
                time.sleep(self._limits.backoff * 2 ** (attempt - 1))
            try:
                self._attempt()
            except web.Broken as error:
                fault = str(error)
            else:
                return self._refuse_html()
        raise self._failed(f"{fault} ({pluralize(self._limits.attempts, 'attempt')})")

    def release(self) -> None:
        """Leave the folder, if anything came, to whoever asks for the address next."""
        if self._size() == 0:
            storage.remove_folder(self.folder)
        else:
            self.folder.rename(self.folder.with_name(storage.owned_name(self._key, free=True)))

    def _attempt(self) -> None:
        if self._size() > (self._total or self._limits.body) or not (self._total or self._validator):
            self._drop()  # too long to be a part, or nothing tells what it is a part of
        have = self._size()
        if have and have == self._total:
            return
        headers = {"Range": f"bytes={have}-"} if have else {}
        if have and self._validator:
            headers["If-Range"] = self._validator
        with contextlib.closing(web.ask(self._url, headers, self._limits)) as answer:
            self._judge(answer)
            self._agree(answer, have)
            self._receive(answer)

    def _judge(self, answer: http.client.HTTPResponse) -> None:
        """Raise `Failed`, or `Broken` where waiting may help, unless the answer brings a file."""
        if answer.status in _BUSY:
            raise web.Broken(f"the server answered {answer.status}")
        if answer.status not in (200, 206, 416):
            raise self._failed(f"the server answered {answer.status}")
        if answer.headers.get_content_type() in _HTML:
            raise self._failed("got HTML, not an archive")
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._failed("the server sent it in an encoding that was not asked for")

    def _agree(self, answer: http.client.HTTPResponse, have: int) -> None:
        """Make ready for the answer's body: appended to the part at hand if it continues there, else from the start."""
        start, total = web.extent(answer)
        validator = web.version_tag(answer)
        if total is not None and total > self._limits.body:
            raise self._too_large()
        if answer.status == 200:
            self._drop()
            self._total, self._validator = total, validator
            self._note()
        elif (start, total) != (have, self._total) or validator not in (None, self._validator):  # 416 included
            self._drop()
            raise web.Broken("the server has another file now")

    def _receive(self, answer: http.client.HTTPResponse) -> None:
        size, pace = self._size(), _Pace(self._limits)
        label = f"downloading from {printable(urllib.parse.urlsplit(self._url).netloc)}"
        with self.body.open("ab") as stream, self._observer.track(label, self._total or 0, size) as advance:
            while block := web.read_block(answer):
                size += len(block)
                if size > self._limits.body:
                    raise self._too_large()
                stream.write(block)
                advance(len(block))
                if pace.too_slow(len(block)):
                    least, span = self._limits.slow_bytes, self._limits.slow_seconds
                    raise self._failed(f"slower than {least:,} bytes a second for {span:g} s")
        if self._total is not None and size != self._total:
            raise web.Broken(f"the connection closed after {size:,} of {self._total:,} bytes")

    def _refuse_html(self) -> None:
        with self.body.open("rb") as stream:
            start = stream.read(512)
        if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):  # no archive starts so
            self._drop()
            raise self._failed("got HTML, not an archive")

    def _size(self) -> int:
        return self.body.stat().st_size if self.body.exists() else 0

    def _drop(self) -> None:
        self.body.unlink(missing_ok=True)
        self.resumed = False

    def _note(self) -> None:
        state = {"url": self._url, "total": self._total, "validator": self._validator}
        storage.write_file(self.folder / "state", json.dumps(state).encode())

    def _recall(self) -> tuple[int | None, str | None]:
        """Length and validator of the file that the body is a part of; two times None where nothing tells."""
        try:
            state = json.loads((self.folder / "state").read_bytes())
            total, validator = state["total"], state["validator"]
        except (OSError, ValueError, LookupError, TypeError):
            return None, None
        if isinstance(total, int | None) and isinstance(validator, str | None):
            return total, validator
        return None, None

    def _failed(self, why: str) -> Failed:
        return Failed(printable(self._url), why, web.ADVICE)

    def _too_large(self) -> Refused:
        return Refused(printable(self._url), f"larger than the {self._limits.body:,} bytes allowed", web.ADVICE)


class _Pace:
    """Notices a body that trickles."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since, self._bytes = time.monotonic(), 0

    def too_slow(self, received: int) -> bool:
        """Whether the span that this block ends, if it ends one, brought too few bytes."""
        self._bytes += received
        seconds = time.monotonic() - self._since
        if seconds < self._limits.slow_seconds:
            return False
        slow = self._bytes < self._limits.slow_bytes * seconds
        self._since, self._bytes = time.monotonic(), 0
        return slow
