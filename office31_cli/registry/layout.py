"""The registry's folders; a model exists as soon as its folder has been renamed into place.

    format                {"format": 1}
    tmp/<uuid>/           a model being written, locked by its writer
    models/<id>/          model.safetensors, card.json and small files; never changed afterwards
    refs/<name>           one id
    trash/                what was removed, until `gc`
    tombstones/<id>       the card of a model that was removed while others descended from it
    lock                  held for milliseconds, while refs are written or folders moved

A ref is written before its model is renamed into place and removed after its model is, so that the rename alone
decides whether there is a model with that name; a ref without its model does not count as a name.
"""

import contextlib
import fcntl
import json
import os
import re
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from office31_cli import storage
from office31_cli.errors import Failed, Refused
from office31_cli.registry import names
from office31_cli.registry.card import CARD_FILE, LARGEST, digest

_HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]{32}")
_FORMAT = b'{"format": 1}\n'


class Layout:
    """The folders below `root`: every read checks what it finds, every change is made under the lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = root / "models"
        self.refs = root / "refs"
        self.staged = root / "tmp"
        self.trash = root / "trash"
        self.tombstones = root / "tombstones"
        self._folders = (self.models, self.refs, self.staged, self.trash, self.tombstones)

    def ids(self) -> list[str]:
        """The ids of all stored models, readable or not, in no particular order."""
        self._check_format()
        return [name for name in _list_names(self.models) if names.is_id(name)]

    def holds(self, model_id: str) -> bool:
        """Whether there is a model with this id; an empty folder does not count and may be replaced."""
        return bool(_list_names(self.models / model_id))

    def list_strangers(self) -> list[Path]:
        """Paths in the folder of the models that are not models."""
        return [self.models / name for name in sorted(_list_names(self.models)) if not names.is_id(name)]

    def names(self) -> dict[str, str]:
        """The id of each named model by its name; refs that are damaged or have no model are left out."""
        stored_ids = set(self.ids())
        return {name: model_id for name, model_id in self.all_refs().items() if model_id in stored_ids}

    def owner(self, name: str) -> str | None:
        """The id of the model called `name`, or None."""
        model_id = self.ref(name)
        return model_id if model_id is not None and (self.models / model_id).exists() else None

    def all_refs(self) -> dict[str, str | None]:
        """The id in each ref by the name of the ref, None where it is damaged."""
        return {name: self.ref(name) for name in _list_names(self.refs) if not name.startswith(".")}

    def ref(self, name: str) -> str | None:
        """The id in the ref called `name`; None where there is no such ref, or where it does not hold an id."""
        if not names.is_name(name):
            return None
        try:
            content = read_small(self.refs / name, 100).decode("ascii", "replace")
        except (FileNotFoundError, Refused):
            return None
        return content if names.is_id(content) else None

    def point(self, name: str, model_id: str) -> None:
        """Write the ref that makes `name` the name of a model; the lock must be held."""
        storage.write_file(self.refs / name, model_id.encode())

    def drop(self, name: str) -> None:
        """Remove the ref called `name` if its model does not exist; the lock must be held."""
        if self.owner(name) is None and os.path.lexists(self.refs / name):
            storage.remove_file(self.refs / name)

    @contextlib.contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Hold the registry's lock, and create the folders that are missing.

        Raises `Failed` where another process holds the lock for too long, and as `ids` does for a damaged registry.
        """
        lock = self.root / "lock"
        if lock.is_symlink():
            raise Refused(str(lock), "it is a link", "remove it; the registry never makes one")
        with storage.hold_lock(lock):
            self._check_format()
            for folder in self._folders:
                storage.make_folder(folder)
            if not (self.root / "format").exists():
                storage.write_file(self.root / "format", _FORMAT)
            yield

    @contextlib.contextmanager
    def open_staging_folder(self) -> Iterator[Path]:
        """Create a folder to write a model in, locked by this process, and remove what is left of it afterwards."""
        with self.hold_lock():  # else `gc` could take the folder before it is locked
            folder = storage.make_folder(self.staged / uuid.uuid4().hex)
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            with contextlib.suppress(OSError):  # what cannot be removed now, `gc` removes
                storage.remove_folder(folder)
            os.close(lock)

    def list_abandoned_folders(self) -> list[Path]:
        """Staging folders whose writer has ended."""
        return [self.staged / name for name in _list_names(self.staged) if not _has_writer(self.staged / name)]

    def list_half_written_files(self) -> list[Path]:
        """Temporary files left by a `storage.write_file` that was killed; the lock must be held."""
        folders = (self.root, self.refs, self.tombstones)
        return [folder / name for folder in folders for name in _list_names(folder) if _HALF_WRITTEN.fullmatch(name)]

    def removed_ids(self) -> set[str]:
        """The ids of the models in the trash."""
        return {name.partition("-")[0] for name in _list_names(self.trash)}

    def staged_ids(self) -> set[str]:
        """The ids of the models in the staging folders, unfinished ones included once their card is written."""
        ids = set()
        for name in _list_names(self.staged):
            with contextlib.suppress(OSError, Refused):
                ids.add(digest(read_small(self.staged / name / CARD_FILE, LARGEST))[:16])
        return ids

    def _check_format(self) -> None:
        """Raise `Refused` for a link or a damaged format file, `Failed` for the format of a newer version."""
        for folder in self._folders:
            if folder.is_symlink():
                raise Refused(str(folder), "it is a link", "put the folder itself there, or set OFFICE31_HOME")
        path = self.root / "format"
        try:
            content = read_small(path, 100)
        except FileNotFoundError:
            return
        if content == _FORMAT:
            return
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            if json.loads(content).get("format") > 1:
                raise Failed(str(path), "the registry was written by a newer version", "upgrade office31-cli")
        raise Refused(str(path), "it is damaged", f"replace its content with this line: {_FORMAT.decode().strip()}")


def read_small(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes; raises `Refused` for anything else, links included."""
    with contextlib.suppress(IsADirectoryError):
        if not path.is_symlink():
            with open(path, "rb", opener=_open_no_follow) as stream:
                if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    content: bytes = stream.read(limit + 1)
                    if len(content) <= limit:
                        return content
    raise Refused(
        str(path), f"it is not a plain file of at most {limit:,} bytes", "bring back a copy, or remove it by hand"
    )


def _open_no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # else opening a FIFO would block


def _list_names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths, and thousands of them
    except FileNotFoundError:
        return []


def _has_writer(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True  # it has just become a model
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
