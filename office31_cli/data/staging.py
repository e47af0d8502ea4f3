"""A folder that appears whole or not at all: it is filled under another name beside its place, and renamed."""

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path

from office31_cli import storage


@contextlib.contextmanager
def stage_folder(root: Path) -> Iterator[Path]:
    """An empty folder of our own beside `root`, removed afterwards, and with it those of killed processes."""
    parent = storage.make_folder(root.parent)
    while left := storage.take_over(parent, f".{root.name}"):
        _remove(left)
    staging = storage.make_folder(parent / storage.owned_name(f".{root.name}"))
    try:
        yield staging
    finally:
        storage.remove_folder(staging)


def put_in_place(staging: Path, root: Path, is_sound: Callable[[Path], bool]) -> None:
    """Let all that was staged appear at `root` at once, in place of what is there, unless that `is_sound`."""
    storage.sync_all()
    while True:
        try:
            return storage.replace(staging, root)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
        if is_sound(root):
            return None  # another process was faster
        aside = root.with_name(storage.owned_name(f".{root.name}"))
        with contextlib.suppress(FileNotFoundError):  # another process was faster here, too
            root.rename(aside)
            _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        storage.remove_folder(path)
    else:
        storage.remove_file(path)
