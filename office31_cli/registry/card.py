"""A model's card: everything known about it but the weights, as one canonical JSON text whose hash is its id."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from office31_cli.errors import Failed, Refused
from office31_cli.registry import names, strict_json

SCHEMA = 1
"""The card layout that this version writes, and the newest that it reads."""

MODEL_FILE = "model.safetensors"
CARD_FILE = "card.json"

LARGEST = 4 << 20
"""Bytes of the largest card; a thousand epochs of history take about a tenth of it."""

_LAST_YEAR = 9000
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A model that this one was made from, by the hash of its card; `role` says what it gave."""

    id: str
    sha256: str
    role: str


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """What a stored file must be: its SHA-256 and its size."""

    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model is and how it came to be; `created` and `files` are filled in when it is published."""

    command: str
    """The command that made it, such as `pretrain`."""
    network: dict[str, Any]
    """What rebuilds the network: backbone, widths, outputs."""
    weights: str
    """The resolved name of the weights that it started from."""
    train: str
    """Which part was trained: `head`, `last` or `all`."""
    items: tuple[str, ...]
    """The item of each class, in the order of the network's output."""
    preprocessing: dict[str, Any]
    data: dict[str, Any]
    """The data set: name, content hash, domains."""
    labels_used: dict[str, int]
    """How many labels of each domain the model has seen, its parents included."""
    configuration: dict[str, Any]
    """Seed, epochs, learning rate and the rest that a repetition needs."""
    environment: dict[str, Any]
    metrics: dict[str, Any]
    """Scores by part, such as `{"validation": {"item": 0.83}}`."""
    history: list[dict[str, Any]]
    """One row an epoch."""
    seconds: float
    parents: tuple[Parent, ...] = ()
    job: None = None
    """Says nothing, but every card of schema 1 has it, and earlier versions refuse one without."""
    created: str = ""
    """UTC, ISO 8601 with microseconds."""
    files: dict[str, FileRecord] = field(default_factory=dict)
    schema: int = SCHEMA


def encode(card: Card) -> bytes:
    """The canonical JSON of a card; numbers that JSON does not have become null."""
    return strict_json.canonical(strict_json.finite(asdict(card)))


def digest(raw: bytes) -> str:
    """The full SHA-256 of a card's canonical JSON; its first 16 digits are the model's id."""
    return hashlib.sha256(raw).hexdigest()


def decode(raw: bytes, where: str, *, model_id: str | None = None) -> Card:
    """The card in `raw`, every field checked; `where` names it in errors, `model_id` is what it must hash to.

    Keys that this version does not know are let through: a later one may add some without a new schema.
    Raises `Failed` for a newer schema and `Refused` for anything damaged.
    """
    try:
        value = strict_json.parse(raw, LARGEST)
        _refuse_newer(value, where)
        _check_digest(raw, model_id)
        strict_json.check_canonical(value, raw)
        return Card(**{key: _field(value, key, read) for key, read in _FIELDS.items()})
    except ValueError as error:
        raise Refused(where, str(error), "bring back a copy, or put it away with: office31 models rm ID") from None


def _refuse_newer(value: dict[str, Any], where: str) -> None:
    schema = value.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise Failed(where, f"was written by a newer version (card schema {schema})", "upgrade office31-cli to read it")


def _check_digest(raw: bytes, model_id: str | None) -> None:
    if model_id is not None and digest(raw)[:16] != model_id:
        raise ValueError("its bytes do not match the model's id")


def _field(value: Mapping[str, Any], key: str, read: Callable[[Any], Any]) -> Any:
    if key not in value:
        raise ValueError(f"has no {key}")
    try:
        return read(value[key])
    except ValueError as error:
        raise ValueError(f"{key} {error}") from None


def _exactly(kind: type, called: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"is not {called}")
        return value

    return read


_text = _exactly(str, "text")
_object = _exactly(dict, "an object")
_list = _exactly(list, "a list")
_whole = _exactly(int, "a whole number")


def _schema(value: Any) -> int:
    if _whole(value) != SCHEMA:
        raise ValueError(f"is {value}, and {SCHEMA} is the only one there has been")
    return SCHEMA


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError("is not a number")
    return float(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _counts(value: Any) -> dict[str, int]:
    if any(_whole(count) < 0 for count in _object(value).values()):
        raise ValueError("has a count below zero")
    return dict(value)


def _rows(value: Any) -> list[dict[str, Any]]:
    return [_object(row) for row in _list(value)]


def _sha256(value: Any) -> str:
    if not _SHA256.fullmatch(_text(value)):
        raise ValueError("is not a SHA-256 in hexadecimal")
    return str(value)


def _parents(value: Any) -> tuple[Parent, ...]:
    return tuple(_parent(_object(row)) for row in _list(value))


def _parent(row: dict[str, Any]) -> Parent:
    parent = Parent(id=_field(row, "id", _text), sha256=_field(row, "sha256", _sha256), role=_field(row, "role", _text))
    if parent.id != parent.sha256[:16]:
        raise ValueError("has a parent whose id is not the beginning of its hash")
    return parent


def _created(value: Any) -> str:
    moment = datetime.fromisoformat(_text(value))
    if moment.utcoffset() != timedelta(0) or moment.isoformat(timespec="microseconds") != value:
        raise ValueError("is not a UTC time with microseconds")
    if moment.year > _LAST_YEAR:  # the next model has to be later still
        raise ValueError("is too far ahead")
    return str(value)


def _files(value: Any) -> dict[str, FileRecord]:
    records = {name: _file_record(name, _object(row)) for name, row in _object(value).items()}
    if MODEL_FILE not in records:
        raise ValueError(f"has no {MODEL_FILE}")
    return records


def _file_record(name: str, row: dict[str, Any]) -> FileRecord:
    if not names.is_file(name) or name == CARD_FILE:
        raise ValueError("has a name that no file can have")
    record = FileRecord(sha256=_field(row, "sha256", _sha256), bytes=_field(row, "bytes", _whole))
    if record.bytes < 0:
        raise ValueError("has a size below zero")
    return record


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "schema": _schema,
    "command": _text,
    "parents": _parents,
    "network": _object,
    "weights": _text,
    "train": _text,
    "items": _texts,
    "preprocessing": _object,
    "data": _object,
    "labels_used": _counts,
    "configuration": _object,
    "environment": _object,
    "metrics": _object,
    "history": _rows,
    "seconds": _number,
    "created": _created,
    "files": _files,
}
