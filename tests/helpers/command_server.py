"""A process that has imported slow libraries and forks a child for every command, so that no command waits for them.

A child has its own memory, environment, working folder, arguments, standard streams, signal handlers and exit, and
runs what `python -m office31_cli` runs, as its `__main__`. What a fresh interpreter has and a child has not: a seed of
its own for the hashes of strings, and an environment that was there before anything was imported. `command_client`
starts a fresh interpreter where that makes a difference.

Run as a program this file is the server. It imports nothing of the tests, whose path it does not have.
"""

import atexit
import builtins
import contextlib
import gc
import importlib
import io
import json
import multiprocessing.process
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import threading
from types import ModuleType
from typing import Any, NoReturn

LARGEST = 1 << 17
"""Bytes of a request."""

_DESCRIPTORS = 5
"""With a request come the child's stdin, stdout and stderr, a socket to answer on and, for a server, one to serve."""


def serve(requests: socket.socket, imports: list[str]) -> dict[str, Any]:
    """Import, then fork a child for every request that comes; returns in a child that is to run a command."""
    while True:
        _prepare(imports)
        request, (*streams, answer, served) = _fork_for_each(requests)
        requests.close()
        for place, each in enumerate(streams):
            os.dup2(each, place)
        if "imports" not in request:
            os.closerange(3, 1 << 20)
            return request
        for each in (*streams, answer):
            os.close(each)
        requests, imports = socket.socket(fileno=served), request["imports"]


def _prepare(imports: list[str]) -> None:
    for name in imports:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else a child's first collection copies every page that it shares with the server
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208
    if threads > 1:
        raise RuntimeError(f"importing {imports} has started threads, which no child would have")


def _fork_for_each(requests: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Tell of every child its number, its exit code and its seconds; returns in a child, with request and files."""
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    _tell_the_end(*key.data)
                    continue
                message, descriptors, _, _ = socket.recv_fds(requests, LARGEST, _DESCRIPTORS)
                if not message:  # the tests have ended
                    os._exit(0)
                child = os.fork()
                if not child:
                    return json.loads(message), descriptors
                *others, answer, served = descriptors
                for each in (*others, served):
                    os.close(each)
                told = socket.socket(fileno=answer)
                with contextlib.suppress(BrokenPipeError):
                    told.sendall(f"{child}\n".encode())
                selector.register(os.pidfd_open(child), selectors.EVENT_READ, (child, told))


def _tell_the_end(child: int, told: socket.socket) -> None:
    _, status, usage = os.wait4(child, 0)
    with contextlib.suppress(BrokenPipeError), told:
        told.sendall(f"{os.waitstatus_to_exitcode(status)} {usage.ru_utime + usage.ru_stime}\n".encode())


def run(request: dict[str, Any]) -> None:
    """Run the command in this process, as its main module."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    before = _folders_of_modules()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    os.umask(request["umask"])
    sys.path[1:] = [*_folders_of_modules(), *(each for each in sys.path[1:] if each not in before)]
    _forget_the_server()
    _open_streams()
    code, script = request.get("code", ""), request.get("script", "")
    sys.argv = [script or ("-c" if code else "-m"), *request["words"]]
    sys.path[0] = os.path.dirname(script) if script else "" if code else os.getcwd()  # noqa: PTH109, PTH120
    sys.modules["__main__"] = main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    if script:
        main.__dict__["__file__"] = script
        with open(script, encoding="utf-8") as file:  # noqa: PTH123
            code = file.read()
    if code:
        exec(compile(code, script or "<string>", "exec"), main.__dict__)
    else:
        runpy._run_module_as_main("office31_cli")


def _folders_of_modules() -> list[str]:
    """Those that PYTHONPATH names, as they are in `sys.path`."""
    named = os.environ.get("PYTHONPATH")
    return list(dict.fromkeys(map(os.path.abspath, named.split(os.pathsep)))) if named else []


def _forget_the_server() -> None:
    """Set afresh what libraries took from the environment, the folder or chance while they were imported."""
    tempfile.tempdir = None
    multiprocessing.process.ORIGINAL_DIR = os.getcwd()  # type: ignore[attr-defined] # noqa: PTH109
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        if threads and threads != torch.get_num_threads():
            torch.set_num_threads(threads)


def _open_streams() -> None:
    """What the interpreter does before it begins, with files that may be of another kind than the server's."""
    for place, (name, mode) in enumerate((("stdin", "rb"), ("stdout", "wb"), ("stderr", "wb"))):
        before = getattr(sys, f"__{name}__")
        binary = open(place, mode, closefd=False)  # noqa: SIM115
        binary.raw.name = f"<{name}>"
        by_line = os.isatty(place) or name == "stderr"
        stream = io.TextIOWrapper(binary, before.encoding, before.errors, newline="\n", line_buffering=by_line)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def leave(request: dict[str, Any]) -> NoReturn:
    """Run the command and end as an interpreter does, without taking modules apart: 0.3 s where torch is one."""
    try:
        run(request)
        code = 0
    except BaseException as error:
        code = _exit_code(error)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    os._exit(code)


def _exit_code(error: BaseException) -> int:
    """What an interpreter leaves with that this error ends, after it has told of it."""
    match error:
        case SystemExit(code=None):
            return 0
        case SystemExit(code=int(code)):
            return code & 0xFF
        case SystemExit(code=told):
            print(told, file=sys.stderr)
        case _:
            sys.excepthook(type(error), error, error.__traceback__)
            if isinstance(error, KeyboardInterrupt):
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                signal.raise_signal(signal.SIGINT)
    return 1


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and with them their server
    leave(serve(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2])))
