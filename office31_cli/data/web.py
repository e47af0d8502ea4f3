"""Requests a file over HTTP(S) and trusts the server with nothing: not its redirects, its lengths, or its patience.

`urllib` is used bare: left to itself it follows a redirect to ftp, and waits for ever for the rest of a line.
"""

import contextlib
import http.client
import re
import socket
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from office31_cli.errors import Failed, Refused
from office31_cli.text import printable

ADVICE = "try again later, or fetch the file by other means"
"""What to do when a server is of no use."""

_BLOCK = 1 << 17
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Limits:
    """How patient a transfer is, and how much it takes."""

    answer: float = 15.0
    """Seconds for a connection, for the whole head of an answer, and between two blocks of its body."""
    slow_bytes: int = 1000
    """A body that brings fewer bytes a second than this ..."""
    slow_seconds: float = 30.0
    """... over this many seconds is given up."""
    attempts: int = 4
    """How often a broken transfer is taken up, the first time included."""
    backoff: float = 1.0
    """Seconds before the second attempt; twice as many before each later one."""
    redirects: int = 5
    body: int = 1 << 29
    """Bytes: six times Office-31."""


class Broken(Exception):
    """The connection broke in a way that another attempt may mend."""


def ask(url: str, headers: dict[str, str], limits: Limits) -> http.client.HTTPResponse:
    """The answer at the end of the redirects, whatever its status."""
    address = url
    for _ in range(limits.redirects + 1):
        answer = _open(address, headers, limits)
        if answer.status not in _REDIRECTS:
            return answer
        answer.close()
        address = resolve_redirect(address, answer.headers.get("Location", ""))
    raise Failed(printable(url), f"redirected more than {limits.redirects} times", ADVICE)


def resolve_redirect(address: str, location: str) -> str:
    """Where `location`, seen from `address`, leads to; raises `Refused` where a download must not go."""
    try:
        target = urllib.parse.urljoin(address, location)
        old, new = urllib.parse.urlsplit(address).scheme, urllib.parse.urlsplit(target).scheme
    except ValueError as error:
        raise Failed(printable(address), "redirects to an address that is none", ADVICE) from error
    if new not in ("http", "https"):
        raise Refused(printable(address), f"redirects to a {printable(new)} address", ADVICE)
    if (old, new) == ("https", "http"):
        raise Refused(printable(address), "redirects from https to http", ADVICE)
    return target


def read_block(answer: http.client.HTTPResponse) -> bytes:
    """The next block as soon as any of it is here; empty at the end."""
    try:
        return answer.read1(_BLOCK)
    except TimeoutError as error:
        raise Broken("the server stopped sending") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Broken(f"the connection broke ({printable(str(error)) or type(error).__name__})") from error


def version_tag(answer: http.client.HTTPResponse) -> str | None:
    """What identifies this version of the file in `If-Range`: its strong ETag, else when it was last modified."""
    etag = answer.headers.get("ETag", "")
    tag = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
    return tag if tag and tag.isascii() and tag.isprintable() else None


def extent(answer: http.client.HTTPResponse) -> tuple[int, int | None]:
    """At which byte of the file the answer's body begins (-1 where it does not say), and the whole file's length.

    The length is None where the server does not give it.
    """
    if answer.status != 206:
        return 0, _number(answer.headers.get("Content-Length", ""))
    match = re.fullmatch(r"bytes ([0-9]{1,15})-[0-9]{1,15}/(.+)", answer.headers.get("Content-Range", ""))
    return (int(match[1]), _number(match[2])) if match else (-1, None)


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def _open(url: str, headers: dict[str, str], limits: Limits) -> http.client.HTTPResponse:
    opener = urllib.request.OpenerDirector()  # bare: no redirects, no ftp, no file
    opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(_Web())
    opener.addheaders = [("User-Agent", "office31-cli"), ("Accept-Encoding", "identity")]
    try:
        answer = opener.open(urllib.request.Request(url, headers=headers), timeout=limits.answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        fault = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(fault, TimeoutError):
            raise Failed(printable(url), f"no answer within {limits.answer:g} s", ADVICE) from error
        if isinstance(fault, (ConnectionResetError, BrokenPipeError, http.client.BadStatusLine)):
            raise Broken("the server hung up without an answer") from error
        why = printable(getattr(fault, "strerror", None) or str(fault))
        raise Failed(printable(url), f"cannot be reached ({why})", ADVICE) from error
    if not isinstance(answer, http.client.HTTPResponse):  # no handler took it: not an http address
        raise Failed(printable(url), "not an http or https address", ADVICE)
    return answer


class _Prompt(http.client.HTTPConnection):
    """A connection on which the whole head of an answer must come in time, not only its next byte."""

    def getresponse(self) -> http.client.HTTPResponse:
        """The answer, once its head is here; raises TimeoutError where that takes too long."""
        late = threading.Event()
        timer = threading.Timer(self.timeout or 0, _hang_up, (self.sock, late))
        timer.start()
        try:
            answer = super().getresponse()
        except Exception:
            if late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise TimeoutError
        return answer


def _hang_up(connection: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _PromptSecure(_Prompt, http.client.HTTPSConnection):
    """The same over TLS."""


class _Web(urllib.request.AbstractHTTPHandler):
    """Opens http and https, and no other scheme that urllib knows."""

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Called by urllib for http addresses."""
        return self.do_open(_Prompt, request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Called by urllib for https addresses."""
        return self.do_open(_PromptSecure, request, context=ssl.create_default_context())

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_
