"""File operations that survive a crash; every change that is to last is made with them.

A file becomes visible only when it is complete: it is written under another name, synced, and renamed.
`before_operation` is called before each primitive step, so that a test can stop the program at any of them.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from office31_cli.errors import Failed, Misuse
from office31_cli.text import printable


def _allow(operation: str, path: Path) -> None:
    """Do nothing: outside tests every operation is allowed."""


before_operation: Callable[[str, Path], None] = _allow
"""A hook for tests, called with the name and the path of each operation just before it."""

_BLOCK = 1 << 20


def check_place(path: Path, *, overwrite: bool) -> None:
    """Raise `Misuse` where no user file can be written to `path`: it exists, or its folder is missing or read-only."""
    label = printable(str(path))
    if path.is_dir() or (path.exists() and not overwrite):
        raise Misuse(label, "it exists already", "choose another path, or use --overwrite for a file")
    if not path.parent.is_dir():
        raise Misuse(label, "its folder is not there", "make the folder first, or choose another path")
    if not os.access(path.parent, os.W_OK):
        raise Misuse(label, "its folder cannot be written to", "choose another path")


def write_file(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write `content`, bytes or blocks of bytes, to `path`; a crash leaves the old file or all of the new one."""
    temporary = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex}")
    try:
        create_file(temporary, content)
        replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)  # the path that the user knows, not the temporary one
        raise


def create_file(path: Path, content: bytes | Iterable[bytes], *, sync: bool = True) -> None:
    """Write a new file and sync it; raises FileExistsError where there is one, a link included.

    To write thousands of files, pass `sync=False` and call `sync_all` once before they become visible.
    """
    before_operation("create", path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        before_operation("write", path)
        stream.writelines((content,) if isinstance(content, bytes) else content)
        stream.flush()
        if sync:
            before_operation("fsync", path)
            os.fsync(stream.fileno())


def sync_all() -> None:
    """Force everything written so far, by any process, to the disk."""
    os.sync()


def sync_file(path: Path) -> None:
    """Force the content of a file, or the entries of a folder, to the disk."""
    before_operation("fsync", path)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Rename a file or folder to `target`, replacing a file there, and sync the folder of `target`."""
    before_operation("rename", target)
    source.replace(target)
    sync_file(target.parent)


def remove_file(path: Path) -> None:
    """Remove a file and sync the folder that it was in."""
    before_operation("unlink", path)
    path.unlink()
    sync_file(path.parent)


def make_folder(path: Path) -> Path:
    """Create a folder and its parents where they do not exist, and return its path."""
    if not path.is_dir():
        before_operation("mkdir", path)
        path.mkdir(parents=True, exist_ok=True)
    return path


def remove_folder(path: Path) -> None:
    """Remove a folder with its content, if it exists."""
    before_operation("rmtree", path)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def owned_name(stem: str, *, free: bool = False) -> str:
    """A name for an unfinished file or folder, `STEM.PID@HOST.HEX`, that says which process owns it.

    With `free` no process owns it: the next one may continue it or remove it.
    """
    return f"{stem}.{0 if free else os.getpid()}@{os.uname().nodename}.{uuid.uuid4().hex}"


def take_over(folder: Path, stem: str | None = None) -> Path | None:
    """Rename something in `folder` whose owner (see `owned_name`) has ended, so that this process owns it.

    With a `stem` only names with that stem are considered. Returns the new path, or None if there is nothing to take.
    Of several processes that try, only one gets it.
    """
    pattern = re.compile(rf"(.*)\.([0-9]{{1,9}})@{re.escape(os.uname().nodename)}\.[0-9a-f]{{32}}", re.DOTALL)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = pattern.fullmatch(path.name)
        if match and stem in (None, match[1]) and not _is_running(int(match[2])):
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                return path.rename(folder / owned_name(match[1]))
    return None


def _is_running(process: int) -> bool:
    if process == 0:
        return False
    try:
        os.kill(process, 0)  # signal 0 only checks that it exists
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process, so it exists
        return True
    return True


@contextlib.contextmanager
def hold_lock(path: Path, *, timeout: float | None = 30.0) -> Iterator[None]:
    """Hold an exclusive lock on the file at `path`, which is created where needed, waiting up to `timeout` seconds.

    The lock belongs to the open file, so that the system releases it when the process ends. Raises `Failed` with the
    holder's process number after `timeout` seconds; None waits without limit.
    """
    make_folder(path.parent)
    descriptor = _open_locked(path, timeout)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _open_locked(path: Path, timeout: float | None) -> int:
    """Open and lock the file at `path`, and return its descriptor."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            _wait_for_lock(descriptor, path, timeout)
        except BaseException:
            os.close(descriptor)
            raise
        if _is_file_at(path, descriptor):
            return descriptor
        os.close(descriptor)  # its last holder removed it, so that the next process would lock another file


def _busy_error(path: Path, holder: str) -> Failed:
    if holder.isdecimal() and not _is_running(int(holder)):  # a process forked under the lock has the open file too
        why = f"process {holder} has ended, but one that it started still holds it"
        return Failed(str(path), why, f"end that one, which is named by: fuser {shlex.quote(str(path))}")
    return Failed(str(path), f"process {holder} is working on it", "end that process, or wait for it")


def _is_file_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _wait_for_lock(descriptor: int, path: Path, timeout: float | None) -> None:
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if deadline is not None and time.monotonic() > deadline:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"
                raise _busy_error(path, holder) from None
            time.sleep(0.01)
        else:
            return
