"""A model as one file: its tensors in safetensors, its card and small files in that format's metadata.

Any safetensors reader opens it. What comes back in is believed in nothing: the header is checked against the
format, the card against its own hashes, and the tensors against the card, so a round trip gives the same id.
"""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from office31_cli import storage
from office31_cli.errors import Failed, Misuse, Refused
from office31_cli.registry import card as cards
from office31_cli.registry import tensors
from office31_cli.registry.card import MODEL_FILE, Card, FileRecord
from office31_cli.registry.entry import Entry
from office31_cli.registry.store import Registry
from office31_cli.registry.tensors import Header
from office31_cli.text import printable

_OURS = "office31."
_CARD = _OURS + "card"
_SHA256 = _OURS + "sha256"
_FILE = _OURS + "file."
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")


@dataclass(frozen=True)
class _Bundle:
    path: Path
    header: Header
    raw_card: bytes
    card: Card
    files: dict[str, bytes]

    @property
    def id(self) -> str:
        return cards.digest(self.raw_card)[:16]


def export(entry: Entry, path: Path, *, overwrite: bool = False) -> Path:
    """Write a model, its card and its small files to one `.safetensors` file at `path`, and return the path.

    Raises as `check_path` does, and `Refused` where a stored file is damaged.
    """
    check_path(path, ".safetensors", overwrite=overwrite)
    shown = printable(str(path))
    model, header = entry.verified_path(), tensors.read_header(entry.file_path())
    metadata = {"format": "pt", _CARD: entry.raw_card().decode(), _SHA256: entry.sha256}
    for name in sorted(entry.card.files.keys() - {MODEL_FILE}):
        metadata[_FILE + name] = base64.b64encode(entry.verified_path(name).read_bytes()).decode()
    if len(tensors.encode_header(header, metadata)) > tensors.LARGEST_HEADER:
        raise Failed(
            shown, "the files beside the weights are too large for one header", "copy the model's folder instead"
        )
    storage.write_file(path, tensors.with_metadata(model, header, metadata))
    return path


def check_path(path: Path, suffix: str, *, overwrite: bool) -> None:
    """Raise `Misuse` where no file of this suffix can be written to `path`: it is taken, or in no folder."""
    shown = printable(str(path))
    if path.suffix != suffix:
        raise Misuse(shown, f"it does not end in {suffix}", f"end the name in {suffix}")
    storage.check_place(path, overwrite=overwrite)


def import_model(registry: Registry, path: Path, *, name: str | None = None) -> Entry:
    """Store the model in a file that `export` wrote, under `name` or one made from the file's.

    Where the model is stored already, that one is checked and returned, and given `name` as well. Raises
    `Misuse` for a file of another kind and `Refused` for one that is damaged or forged.
    """
    bundle = _read(path)
    _check_parents(registry, bundle)
    if name is not None:
        registry.check_name_free(name, unless=bundle.id)
    with registry.layout.staging() as folder:
        for file, content in bundle.files.items():
            storage.create_file(folder / file, content)
        storage.create_file(folder / MODEL_FILE, tensors.with_metadata(path, bundle.header, {}))
        for file, record in bundle.card.files.items():
            _check_file(folder / file, record, bundle.path)
        with registry.layout.changing():
            if registry.layout.holds(bundle.id):
                return _already_there(registry, bundle.id, name)
            return registry.admit(folder, bundle.raw_card, name=name, suggested=path.stem)


def _read(path: Path) -> _Bundle:
    shown = printable(str(path))
    if path.suffix.lower() in _PICKLES:
        raise Misuse(
            shown,
            "it holds weights without a model's card",
            "name its network with --backbone, or start from it with: office31 pretrain --weights PATH",
        )
    if not path.is_file():
        raise Misuse(shown, "there is no such file", "give the path of an exported .safetensors file")
    header = tensors.read_header(path)
    if not any(key.startswith(_OURS) for key in header.metadata):
        raise Misuse(
            shown,
            "it holds weights without a model's card",
            "name its network with --backbone, or start from it with: office31 pretrain --weights PATH",
        )
    raw_card = header.metadata.get(_CARD, "").encode()
    card = cards.decode(raw_card, f"the card in {shown}")
    if header.metadata.get(_SHA256) != cards.digest(raw_card):
        raise _forged(path, "its card does not have the SHA-256 beside it")
    try:
        files = {
            key.removeprefix(_FILE): base64.b64decode(value, validate=True)
            for key, value in header.metadata.items()
            if key.startswith(_FILE)
        }
    except binascii.Error:
        raise _forged(path, "a file in its metadata is not base64") from None
    if files.keys() | {MODEL_FILE} != card.files.keys() or MODEL_FILE in files:
        raise _forged(path, "its files are not those on its card")
    return _Bundle(path, header, raw_card, card, files)


def _check_parents(registry: Registry, bundle: _Bundle) -> None:
    stored = {entry.id: entry.sha256 for entry in registry.entries()}
    for parent in bundle.card.parents:
        if stored.get(parent.id, parent.sha256) != parent.sha256:
            raise _forged(bundle.path, f"its parent {parent.id} is not the stored model of that id")


def _check_file(staged: Path, record: FileRecord, path: Path) -> None:
    if (staged.stat().st_size, storage.sha256_file(staged)) != (record.bytes, record.sha256):
        raise _forged(path, f"{staged.name} does not have the SHA-256 on the card")


def _already_there(registry: Registry, model_id: str, name: str | None) -> Entry:
    entry = registry.find(model_id)
    for file in entry.card.files:
        entry.verified_path(file)
    if name is None or name in entry.names:
        return entry
    registry.check_name_free(name, unless=model_id)
    registry.layout.point(name, model_id)
    return registry.find(name)


def _forged(path: Path, why: str) -> Refused:
    return Refused(printable(str(path)), why, "ask whoever made the file for a good copy")
