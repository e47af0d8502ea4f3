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
    """Something stored that is not as it should be."""

    path: str
    why: str

    @classmethod
    def of(cls, error: Office31Error) -> "Problem":
        """What an error says, without its advice."""
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
        """What to call it: its first name, else its id."""
        return self.names[0] if self.names else self.id

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(record.bytes for record in self.card.files.values())

    def raw_card(self) -> builtins.bytes:
        """The card as it is stored; its hash is the model's."""
        return read_small(self.folder / CARD_FILE, cards.LARGEST)

    def as_parent(self, role: str) -> Parent:
        """What the card of a model made from this one says of it."""
        return Parent(id=self.id, sha256=self.sha256, role=role)

    def file_path(self, name: str = MODEL_FILE) -> Path:
        """The path of a stored file of the right size; raises `Refused` where it is missing or has another."""
        path = self.folder / name
        wanted = self.card.files[name].bytes
        if path.is_symlink() or not path.is_file():
            raise Refused(str(path), "it is missing, or no plain file", _REMEDY)
        if (size := path.stat().st_size) != wanted:
            raise Refused(str(path), f"it has {size:,} bytes in place of {wanted:,}", _REMEDY)
        return path

    def verified_path(self, name: str = MODEL_FILE) -> Path:
        """As `file`, with the SHA-256 of its bytes checked as well."""
        path = self.file_path(name)
        if storage.sha256_file(path) != self.card.files[name].sha256:
            raise Refused(str(path), "its SHA-256 is not the one on the model's card", _REMEDY)
        return path


def load(folder: Path, names: tuple[str, ...] = ()) -> Entry:
    """The model in `folder`.

    Raises `Failed` or `Refused` with what is wrong, and FileNotFoundError where the whole model is gone.
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
