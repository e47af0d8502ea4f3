"""Runs Python programs in children of `command_server`, or in fresh interpreters where only those will do."""

import atexit
import functools
import json
import locale
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import office31_cli
from tests.helpers import command_server, stand_in

POSSIBLE = sys.platform == "linux"
"""Elsewhere every command has a fresh interpreter."""

_SETTINGS = {"stdin", "stdout", "stderr", "input", "cwd"}
"""Those of `subprocess.run` that a child can be given, beside its environment."""

_READ_AT_START = re.compile(
    r"PYTHON(?!_|PATH$)|LANG|LC_|LD_|MALLOC_|OMP_(?!NUM_THREADS$)|(GOMP|KMP|MKL|OPENBLAS|TORCH(?!_HOME$)|CUDA)_"
)
"""Variables that an interpreter or a library reads once."""

_THREADS = "OMP_NUM_THREADS"

_BEFORE = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""The environment that the server begins with: no test has changed it yet, and a user's stdout has a buffer."""

_LIGHT = ["typer", "rich.console", "rich.progress", "rich.table"]
_SLOW = ["numpy", "PIL.Image", "safetensors.torch", "torch", "torchvision"]

_PATIENCE = 300.0
"""Seconds that a command may take."""

seconds = 0.0
"""What the children that have ended took of the processor, in all."""


class _Server:
    """The end of a server's socket at which requests are made."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests, self._lock = requests, Lock()

    def send(self, request: Mapping[str, Any], streams: Sequence[int], served: int | None = None) -> socket.socket:
        """The socket on which the child's number, and then its exit code, will be told."""
        told, answer = socket.socketpair()
        message = json.dumps(request).encode()
        assert len(message) < command_server.LARGEST, "too much for one request"
        with answer, self._lock:
            descriptors = [*streams, answer.fileno(), answer.fileno() if served is None else served]
            socket.send_fds(self._requests, [message], descriptors)
        return told

    def fork(self, imports: Sequence[str]) -> "_Server":
        """A server that has imported more."""
        requests, served = _requests()
        with served, open(os.devnull, "r+b") as nothing:  # noqa: PTH123
            self.send({"imports": imports}, (nothing.fileno(), nothing.fileno(), 2), served.fileno()).close()
        return _Server(requests)


def _requests() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@functools.cache
def _server(*, slow: bool, package: bool) -> _Server:
    """The server that has imported the slow libraries, the package, both, or only what the command line needs."""
    if package:
        return _server(slow=slow, package=False).fork(_modules() if slow else ["office31_cli.cli.main"])
    if slow:
        return _server(slow=False, package=False).fork(_SLOW)
    requests, served = _requests()
    with served:
        words = [sys.executable, command_server.__file__, str(served.fileno()), json.dumps(_LIGHT)]
        environment = _BEFORE | {"OPENBLAS_NUM_THREADS": "1"}  # numpy's threads would not survive a fork
        process = subprocess.Popen(
            words,
            env=environment,
            pass_fds=(served.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    atexit.register(lambda: (requests.close(), process.wait()))
    return _Server(requests)


def _modules() -> list[str]:
    """All that the package consists of, but for what runs when it is imported."""
    folder = Path(office31_cli.__file__).parent
    parts = [path.relative_to(folder.parent).with_suffix("").parts for path in sorted(folder.rglob("*.py"))]
    return [".".join(each).removesuffix(".__init__") for each in parts if each[-1] != "__main__"]


def run(
    words: Sequence[str], environment: Mapping[str, str], *, code: str, slow: bool, fresh: bool, **settings: Any
) -> "subprocess.CompletedProcess[str]":
    """What `subprocess.run` returns of `python -m office31_cli WORDS`, or of `python -c CODE WORDS`.

    In a child of a server that has imported what is `slow`, or only what the command line needs. With `code` the
    package itself was not imported before, so that the code can change it as it can in a fresh interpreter. In such a
    one, where `fresh` says so, or where `settings` or the environment hold what a child cannot be given.
    """
    if fresh or not POSSIBLE or settings.keys() - _SETTINGS or _read_at_start(environment) != _read_at_start(_BEFORE):
        line = [sys.executable, *(("-c", code) if code else ("-m", "office31_cli")), *words]
        return subprocess.run(line, text=True, timeout=_PATIENCE, check=False, env=environment, **settings)
    server = _server(slow=slow, package=not code)
    return _forked(server, {"words": words, "environment": dict(environment), "code": code}, **settings)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """Those variables of which a change would come too late; a number of threads can be changed, but not left out."""
    kept = {name: value for name, value in environment.items() if _READ_AT_START.match(name)}
    return kept | {_THREADS: "given" if _THREADS in environment else "left out"}


def _forked(
    server: _Server,
    request: dict[str, Any],
    *,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    input: str | None = None,  # noqa: A002
    cwd: str | Path = ".",
) -> "subprocess.CompletedProcess[str]":
    global seconds  # noqa: PLW0603
    request |= {"folder": str(Path(cwd).absolute()), "umask": _umask()}
    given = (stdin if input is None else subprocess.PIPE, stdout, stderr)
    with ExitStack() as pipes:
        ends = [_End(place, each, input or "", pipes) for place, each in enumerate(given)]
        with server.send(request, [end.theirs for end in ends]) as told, told.makefile() as lines:
            pipes.close()
            told.settimeout(_PATIENCE)
            child = int(lines.readline())
            try:
                code, spent = lines.readline().split()
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                raise
    seconds += float(spent)
    return subprocess.CompletedProcess(request["words"], int(code), *(end.text() for end in ends[1:]))


@contextmanager
def stand_in_for_python(folder: Path, *, package: bool) -> Iterator[Path]:
    """A program that stands for `python`, for other programs to start a script or the command with.

    What it starts is `stand_in`, and what that stands for a child of the server that has imported what is slow, and the
    `package` too where no script is to change it first.
    """
    program, address = folder / "python", folder / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(address))
        listener.listen()
        program.write_text(
            f'#!/bin/sh\nexec {shlex.join([sys.executable, "-I", "-S", stand_in.__file__, str(address)])} "$@"\n'
        )
        program.chmod(0o700)
        Thread(target=_answer, args=(listener, _server(slow=True, package=package)), daemon=True).start()
        try:
            yield program
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            address.unlink()
            program.unlink()


def _answer(listener: socket.socket, server: _Server) -> None:
    """Send each who asks the socket on which the child's number and its end will be told."""
    with suppress(OSError):  # which is how the listener is closed
        while True:
            asked, _ = listener.accept()
            with asked:
                message, streams, _, _ = socket.recv_fds(asked, command_server.LARGEST, 3)
                request = json.loads(message) | {"umask": _umask()}
                with server.send(request, streams) as told:
                    socket.send_fds(asked, [b"."], [told.fileno()])
                for each in streams:
                    os.close(each)


def _umask() -> int:
    os.umask(mask := os.umask(0o077))
    return mask


class _End:
    """The child's end of one of its standard streams, and a thread at ours where that is a pipe."""

    def __init__(self, place: int, given: Any, text: str, pipes: ExitStack) -> None:
        self._held = b""
        self._thread: Thread | None = None
        if given is None:
            self.theirs = place
        elif given == subprocess.DEVNULL:
            self.theirs = os.open(os.devnull, os.O_RDWR)
            pipes.callback(os.close, self.theirs)
        elif given == subprocess.PIPE:
            self.theirs, ours = os.pipe() if place == 0 else os.pipe()[::-1]
            pipes.callback(os.close, self.theirs)
            self._thread = Thread(target=self._write if place == 0 else self._read, args=(ours, text), daemon=True)
            self._thread.start()
        else:
            self.theirs = given if isinstance(given, int) else given.fileno()

    def text(self) -> str | None:
        """What came, when all who could write have closed it; None where it did not come here."""
        if self._thread is None:
            return None
        self._thread.join(_PATIENCE)
        return self._held.decode(locale.getencoding()).replace("\r\n", "\n").replace("\r", "\n")

    def _read(self, ours: int, _: str) -> None:
        with open(ours, "rb") as stream:
            self._held = stream.read()

    def _write(self, ours: int, text: str) -> None:
        with suppress(BrokenPipeError), open(ours, "wb") as stream:
            stream.write(text.encode(locale.getencoding()))
