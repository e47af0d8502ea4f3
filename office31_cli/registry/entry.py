"""One stored model, read and checked."""

import builtins
from dataclasses import dataclass
from pathlib import Path

from office31_cli import storage
from office31_cli.errors import Office31Error, Refused, from_os_error
from office31_cli.registry import card as cards
from office31_cli.registry.card import CARD_FILE, MODEL_FILE, Card, Parent
from office31_cli.registry.layout import read_small

_REMEDY = "see what else is damaged with: office31 models verify"


@dataclass(frozen=True)
class Problem:
    """A fault of something stored: the path of it and what is wrong."""

    path: str
    why: str

    @classmethod
    def of(cls, error: Office31Error) -> "Problem":
        """The problem that an error describes, without its advice."""
        return cls(error.what, error.why)


@dataclass(frozen=True)
class Entry:
    """A stored model: its id, its names, its card, and the folder of its files."""

    id: str
    sha256: str
    """The full hash of the card; `id` is its beginning."""
    names: tuple[str, ...]
    card: Card
    folder: Path

    @property
    def name(self) -> str:
        """The first of its names, or its id where it has none."""
        return self.names[0] if self.names else self.id

    @property
    def bytes(self) -> int:
        """The size of all its files together."""
        return sum(record.bytes for record in self.card.files.values())

    def raw_card(self) -> builtins.bytes:
        """The bytes of the card as stored; their SHA-256 is `sha256`."""
        return read_small(self.folder / CARD_FILE, cards.LARGEST)

    def as_parent(self, role: str) -> Parent:
        """The reference to this model for the card of a model made from it."""
        return Parent(id=self.id, sha256=self.sha256, role=role)

    def file_path(self, name: str = MODEL_FILE) -> Path:
        """The path of a stored file, its size checked; raises `Refused` where it is missing or has another size."""
        path = self.folder / name
        expected = self.card.files[name].bytes
        if path.is_symlink() or not path.is_file():
            raise Refused(str(path), "it is missing, or not a plain file", _REMEDY)
        if (size := path.stat().st_size) != expected:
            raise Refused(str(path), f"it has {size:,} bytes instead of {expected:,}", _REMEDY)
        return path

    def verified_path(self, name: str = MODEL_FILE) -> Path:
        """The path of a stored file, its size and SHA-256 checked; raises `Refused` as `file_path` does."""
        path = self.file_path(name)
        if storage.sha256_file(path) != self.card.files[name].sha256:
            raise Refused(str(path), "its SHA-256 is not the one on the model's card", _REMEDY)
        return path


def load(folder: Path, names: tuple[str, ...] = ()) -> Entry:
    """Read the model in `folder` and check its card.

    Raises `Failed` or `Refused` where the model cannot be read, and FileNotFoundError where its folder is gone.
    """
    path = folder / CARD_FILE
    if folder.is_symlink() or not folder.is_dir():
        folder.lstat()
        raise Refused(str(folder), "it is not a folder", "put it away with: office31 models rm ID")
    try:
        raw = read_small(path, cards.LARGEST)
    except FileNotFoundError:
        folder.lstat()
        raise Refused(str(path), "it is missing", "put the model away with: office31 models rm ID") from None
    except OSError as error:
        raise from_os_error(error) from None
    card = cards.decode(raw, str(path), model_id=folder.name)
    return Entry(folder.name, cards.digest(raw), names, card, folder)
