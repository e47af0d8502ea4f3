"""A model as one file: its tensors in safetensors, its card and small files in that format's metadata.

Any safetensors reader opens it. Nothing in an imported file is trusted: the header is checked against the
format, the card against its own hash, and the tensors against the card. A round trip gives the same id.
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

_PREFIX = "office31."
_CARD = _PREFIX + "card"
_SHA256 = _PREFIX + "sha256"
_FILE = _PREFIX + "file."
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")


@dataclass(frozen=True)
class _Bundle:
    """An exported file, its header and card checked; its tensors are still unread."""

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

    Raises what `check_path` raises, `Refused` where a stored file is damaged, and `Failed` where the small files do not
    fit into the header.
    """
    check_path(path, ".safetensors", overwrite=overwrite)
    label = printable(str(path))
    model, header = entry.verified_path(), tensors.read_header(entry.file_path())
    metadata = {"format": "pt", _CARD: entry.raw_card().decode(), _SHA256: entry.sha256}
    for name in sorted(entry.card.files.keys() - {MODEL_FILE}):
        metadata[_FILE + name] = base64.b64encode(entry.verified_path(name).read_bytes()).decode()
    if len(tensors.encode_header(header, metadata)) > tensors.LARGEST_HEADER:
        raise Failed(
            label, "the files beside the weights are too large for one header", "copy the model's folder instead"
        )
    storage.write_file(path, tensors.replace_metadata(model, header, metadata))
    return path


def check_path(path: Path, suffix: str, *, overwrite: bool) -> None:
    """Raise `Misuse` where `path` has another suffix or is taken, or where its folder is missing or read-only."""
    label = printable(str(path))
    if path.suffix != suffix:
        raise Misuse(label, f"it does not end in {suffix}", f"end the name in {suffix}")
    storage.check_place(path, overwrite=overwrite)


def import_model(registry: Registry, path: Path, *, name: str | None = None) -> Entry:
    """Store the model in a file that `export` wrote, under `name` or one made from the file's.

    A model that is already stored is verified and returned, and gets `name` as a further name. Raises `Misuse` for a
    file of another kind and `Refused` for one that is damaged or forged.
    """
    bundle = _read_bundle(path)
    _check_parents(registry, bundle)
    if name is not None:
        registry.check_name_free(name, unless=bundle.id)
    with registry.layout.open_staging_folder() as folder:
        for file, content in bundle.files.items():
            storage.create_file(folder / file, content)
        storage.create_file(folder / MODEL_FILE, tensors.replace_metadata(path, bundle.header, {}))
        for file, record in bundle.card.files.items():
            _check_file(folder / file, record, bundle.path)
        with registry.layout.hold_lock():
            if registry.layout.holds(bundle.id):
                return _reuse_stored(registry, bundle.id, name)
            return registry.admit(folder, bundle.raw_card, name=name, suggested=path.stem)


def _read_bundle(path: Path) -> _Bundle:
    label = printable(str(path))
    if path.suffix.lower() in _PICKLES:
        raise _no_card_error(label)
    if not path.is_file():
        raise Misuse(label, "there is no such file", "give the path of an exported .safetensors file")
    header = tensors.read_header(path)
    if not any(key.startswith(_PREFIX) for key in header.metadata):
        raise _no_card_error(label)
    raw_card = header.metadata.get(_CARD, "").encode()
    card = cards.decode(raw_card, f"the card in {label}")
    if header.metadata.get(_SHA256) != cards.digest(raw_card):
        raise _forgery_error(path, "its card does not have the SHA-256 beside it")
    try:
        files = {
            key.removeprefix(_FILE): base64.b64decode(value, validate=True)
            for key, value in header.metadata.items()
            if key.startswith(_FILE)
        }
    except binascii.Error:
        raise _forgery_error(path, "a file in its metadata is not base64") from None
    if files.keys() | {MODEL_FILE} != card.files.keys() or MODEL_FILE in files:
        raise _forgery_error(path, "its files are not those on its card")
    return _Bundle(path, header, raw_card, card, files)


def _check_parents(registry: Registry, bundle: _Bundle) -> None:
    hashes = {entry.id: entry.sha256 for entry in registry.entries()}
    for parent in bundle.card.parents:
        if hashes.get(parent.id, parent.sha256) != parent.sha256:
            raise _forgery_error(bundle.path, f"its parent {parent.id} is not the stored model of that id")


def _check_file(staged: Path, record: FileRecord, path: Path) -> None:
    if (staged.stat().st_size, storage.sha256_file(staged)) != (record.bytes, record.sha256):
        raise _forgery_error(path, f"{staged.name} does not have the SHA-256 on the card")


def _reuse_stored(registry: Registry, model_id: str, name: str | None) -> Entry:
    entry = registry.find(model_id)
    for file in entry.card.files:
        entry.verified_path(file)
    if name is None or name in entry.names:
        return entry
    registry.check_name_free(name, unless=model_id)
    registry.layout.point(name, model_id)
    return registry.find(name)


def _no_card_error(label: str) -> Misuse:
    fix = "name its network with --backbone, or start from it with: office31 pretrain --weights PATH"
    return Misuse(label, "it holds weights without a model's card", fix)


def _forgery_error(path: Path, why: str) -> Refused:
    return Refused(printable(str(path)), why, "ask whoever made the file for a good copy")
