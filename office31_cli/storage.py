"""Every change to the disk that must survive a crash goes through here.

A file becomes visible only when it is whole: it is written under another name, synced, and renamed.
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
    """Let the operation happen."""


before_operation: Callable[[str, Path], None] = _allow
"""A test's hook: called with the operation's name and path just before it happens."""

_BLOCK = 1 << 20


def check_place(path: Path, *, overwrite: bool) -> None:
    """Raise `Misuse` where the user's file cannot be put at `path`: one is there, or its folder is not."""
    shown = printable(str(path))
    if path.is_dir() or (path.exists() and not overwrite):
        raise Misuse(shown, "it exists already", "choose another path, or use --overwrite for a file")
    if not path.parent.is_dir():
        raise Misuse(shown, "its folder is not there", "make the folder first, or choose another path")
    if not os.access(path.parent, os.W_OK):
        raise Misuse(shown, "its folder cannot be written to", "choose another path")


def write_file(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write `content`, whole or in blocks, to `path`; a crash leaves the old file or the new one, never a part."""
    staged = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex}")
    try:
        create_file(staged, content)
        replace(staged, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            staged.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)  # what the user knows of, not where it was staged
        raise


def create_file(path: Path, content: bytes | Iterable[bytes], *, sync: bool = True) -> None:
    """Write a new file and sync it; raises FileExistsError where there is one, a link included.

    Whoever writes thousands of files passes `sync=False` and calls `sync_all` once before they become visible.
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
    """Force everything that was written so far, by whomever, to the disk."""
    os.sync()


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
    """Make a folder with its parents where it is not there yet, and return it."""
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


def owned_name(stem: str, *, free: bool = False) -> str:
    """A name for something unfinished, `STEM.PID@HOST.HEX`, that says which process it belongs to.

    With `free` it belongs to none: the next process may continue it or remove it.
    """
    return f"{stem}.{0 if free else os.getpid()}@{os.uname().nodename}.{uuid.uuid4().hex}"


def take_over(folder: Path, stem: str | None = None) -> Path | None:
    """Rename something in `folder` whose `owned_name` names a process that has ended, so that it belongs to this one.

    Returns its new path, None if there is nothing. Of several processes that try, only one gets it.
    """
    owned = re.compile(rf"(.*)\.([0-9]{{1,9}})@{re.escape(os.uname().nodename)}\.[0-9a-f]{{32}}", re.DOTALL)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = owned.fullmatch(path.name)
        if match and stem in (None, match[1]) and not _is_running(int(match[2])):
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                return path.rename(folder / owned_name(match[1]))
    return None


def _is_running(process: int) -> bool:
    if process == 0:
        return False
    try:
        os.kill(process, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so it is there
        return True
    return True


@contextlib.contextmanager
def hold_lock(path: Path, *, timeout: float | None = 30.0) -> Iterator[None]:
    """Hold an exclusive lock on the file at `path`, which is created where needed, waiting up to `timeout` seconds.

    The lock belongs to the open file, so the system releases it when the process dies. Raises `Failed` with the
    holder's process number when the time is over; with None it waits for ever.
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
    """The lock file at `path`, open and locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            _wait_for_lock(descriptor, path, timeout)
        except BaseException:
            os.close(descriptor)
            raise
        if _lies_at(path, descriptor):
            return descriptor
        os.close(descriptor)  # its last holder took it away, and whoever comes next locks another file


def _busy_error(path: Path, holder: str) -> Failed:
    if holder.isdecimal() and not _is_running(
        int(holder)
    ):  # whom it forked while it held the lock has the open file too
        why = f"process {holder} has ended, but one that it started still holds it"
        return Failed(str(path), why, f"end that one, which is named by: fuser {shlex.quote(str(path))}")
    return Failed(str(path), f"process {holder} is working on it", "end that process, or wait for it")


def _lies_at(path: Path, descriptor: int) -> bool:
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
