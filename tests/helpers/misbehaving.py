"""A threaded raw-socket server on loopback that answers as badly as it is told to."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[str, socket.socket], None]
"""Answers one request, given its head, on the connection; the connection is closed afterwards."""


class Server:
    """Gives each request the next of its behaviours, the last one for ever; remembers the requests' heads."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()

    def url(self, path: str = "office.tar.gz") -> str:
        """The address of a file on this server."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/{path}"

    def serve(self) -> None:
        """Accept connections until closed."""
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Stop accepting connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (block := connection.recv(4096)):
                    return
                head += block
            with self._lock:
                self.requests.append(head.decode("latin-1"))
                behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
            behaviour(self.requests[-1], connection)


@contextmanager
def run_server(*behaviours: Behaviour) -> Iterator[Server]:
    """A server for as long as the context lasts."""
    server = Server(*behaviours)
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.close()


def send(body: bytes = b"", status: str = "200 OK", *, length: int | None = None, **headers: str) -> Behaviour:
    """Send exactly this; `length` is what Content-Length claims, -1 leaves it out."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    if length != -1:
        said["Content-Length"] = str(len(body) if length is None else length)
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())

    def behave(request: str, connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)

    return behave


def honest(body: bytes, etag: str | None = '"1"', *, stop_at: int | None = None) -> Behaviour:
    """What a good server does with Range and If-Range; `stop_at` closes after that many of the file's bytes."""

    def behave(request: str, connection: socket.socket) -> None:
        asked = re.search(r"\r\nRange: bytes=(\d+)-\r\n", request)
        condition = re.search(r"\r\nIf-Range: (.*)\r\n", request)
        start = int(asked[1]) if asked and (not condition or condition[1] == etag) else 0
        tag = {"ETag": etag} if etag else {}
        if start >= len(body) > 0 and asked:
            return send(b"", "416 No", Content_Range=f"bytes */{len(body)}", **tag)(request, connection)
        part = body[start:stop_at]
        if start:
            tag["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        status = "206 Partial Content" if start else "200 OK"
        return send(part, status, length=len(body) - start, **tag)(request, connection)

    return behave


def silent(request: str, connection: socket.socket) -> None:
    """Never answer; return when the client gives up."""
    connection.recv(1)


def endless_head(request: str, connection: socket.socket) -> None:
    """Send one byte of a header every few milliseconds, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        threading.Event().wait(0.01)


def endless_body(request: str, connection: socket.socket) -> None:
    """Send zeros for ever, of an untold length."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(1 << 16))
