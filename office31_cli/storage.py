"""Every change to the disk that must survive a crash goes through here.

A file becomes visible only when it is whole: it is written under another name, synced, and renamed.
`before_operation` is called before each primitive step, so that a test can stop the program at any of them.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from office31_cli.errors import Failed


def _nothing(operation: str, path: Path) -> None:
    """Let the operation happen."""


before_operation: Callable[[str, Path], None] = _nothing
"""A test's hook: called with the operation's name and path just before it happens."""

_BLOCK = 1 << 20


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a crash leaves the old file or the new one, never a part."""
    staged = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex}")
    try:
        create_file(staged, content)
        replace(staged, path)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise


def create_file(path: Path, content: bytes) -> None:
    """Write a new file and sync it; raises FileExistsError where there is one, a link included."""
    before_operation("create", path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        before_operation("write", path)
        stream.write(content)
        stream.flush()
        before_operation("fsync", path)
        os.fsync(stream.fileno())


def sync_file(path: Path) -> None:
    """Force a file or a folder's entries that are written already to the disk."""
    before_operation("fsync", path)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Rename a file or folder into place, over a file that may be there, and sync the folder it lands in."""
    before_operation("rename", target)
    source.replace(target)
    sync_file(target.parent)


def remove_file(path: Path) -> None:
    """Remove a file and sync the folder that it was in."""
    before_operation("unlink", path)
    path.unlink()
    sync_file(path.parent)


def make_folder(path: Path) -> Path:
    """The folder, made with its parents where it is not there."""
    if not path.is_dir():
        before_operation("mkdir", path)
        path.mkdir(parents=True, exist_ok=True)
    return path


def remove_folder(path: Path) -> None:
    """Remove a folder with all that it holds; nothing happens where it is not there."""
    before_operation("rmtree", path)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def locked(path: Path, *, timeout: float | None = 30.0) -> Iterator[None]:
    """Hold an exclusive lock on the file at `path` (made where needed), waiting up to `timeout` seconds.

    The lock belongs to the open file, so the system gives it back when the process dies. Raises `Failed`
    with the holder's process number when the time is over; with None it waits for ever.
    """
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, path, timeout)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, timeout: float | None) -> None:
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if deadline is not None and time.monotonic() > deadline:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"
                raise Failed(
                    str(path),
                    f"held by process {holder} for over {timeout:g} s",
                    "end that process, or wait for it",
                ) from None
            time.sleep(0.01)
        else:
            return
