"""A Hugging Face hub on this machine, with a few files and a memory of what it was asked for."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

NOBODY = "http://127.0.0.1:9"
"""Where no hub answers."""

COMMIT = "c0ffee" + 34 * "0"


class SmallHub(ThreadingHTTPServer):
    """Holds `files` by `OWNER/NAME/FILE`; `requests` are method, path and token of each; `status` stands for all."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.status: tuple[int, str] | None = None
        """An answer to everything, with its error code."""
        self.promised: dict[str, str] = {}
        """The SHA-256 that it tells of a file, where that is not its own."""

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.server_port}"

    def sha256(self, name: str) -> str:
        return self.promised.get(name) or hashlib.sha256(self.files[name]).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: SmallHub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *given: Any) -> None:
        """Say nothing."""

    def _answer(self, *, with_body: bool) -> None:
        self.server.requests.append((self.command, self.path, self.headers.get("Authorization")))
        name = self.path.removeprefix("/").replace("/resolve/main/", "/")
        status, code = self.server.status or ((200, "") if name in self.server.files else (404, "EntryNotFound"))
        content = self.server.files[name] if status == 200 else b""
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content)))
        if status == 200:
            self.send_header("ETag", f'"{self.server.sha256(name)}"')
        else:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if with_body:
            self.wfile.write(content)


@contextlib.contextmanager
def serving() -> Iterator[SmallHub]:
    """A hub that answers."""
    hub = SmallHub()
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()


def use(url: str, cache: Path, monkeypatch: pytest.MonkeyPatch, *, offline: bool = False) -> None:
    """Have the hub's library ask `url` and keep files in `cache`, as its variables do when it is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
