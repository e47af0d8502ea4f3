"""A model's card: everything known about it except its weights, as canonical JSON whose hash is the model's id."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from office31_cli.errors import Failed, Refused
from office31_cli.registry import names, strict_json

SCHEMA = 1
"""The version of the card's layout that is written, and the newest that can be read."""

MODEL_FILE = "model.safetensors"
CARD_FILE = "card.json"

LARGEST = 4 << 20
"""The largest card that is read, in bytes; a thousand epochs of history take about a tenth of it."""

_LAST_YEAR = 9000
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A model that this one was made from, identified by the hash of its card; `role` says what it was used for."""

    id: str
    sha256: str
    role: str


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """The expected SHA-256 and size in bytes of a stored file."""

    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model is and how it was trained; `created` and `files` are filled in when it is published."""

    command: str
    """The command that made it, such as `pretrain`."""
    network: dict[str, Any]
    """What the network is rebuilt from: backbone, widths, outputs."""
    weights: str
    """The resolved name of the weights that training started from."""
    train: str
    """Which part was trained: `head`, `last` or `all`."""
    items: tuple[str, ...]
    """The item of each class, in the order of the network's output."""
    preprocessing: dict[str, Any]
    data: dict[str, Any]
    """The data set: name, content hash, domains."""
    labels_used: dict[str, int]
    """The number of labels of each domain used so far, those of the parents included."""
    configuration: dict[str, Any]
    """Seed, epochs, learning rate and whatever else is needed to repeat the run."""
    environment: dict[str, Any]
    metrics: dict[str, Any]
    """Scores by part of the data, such as `{"validation": {"item": 0.83}}`."""
    history: list[dict[str, Any]]
    """One row per epoch."""
    seconds: float
    parents: tuple[Parent, ...] = ()
    job: None = None
    """Always None; every card of schema 1 has it, and earlier versions refuse a card without it."""
    created: str = ""
    """UTC, ISO 8601 with microseconds."""
    files: dict[str, FileRecord] = field(default_factory=dict)
    schema: int = SCHEMA


def encode(card: Card) -> bytes:
    """The canonical JSON of a card, with null for NaN and infinities."""
    return strict_json.encode_canonical(strict_json.replace_non_finite(asdict(card)))


def digest(raw: bytes) -> str:
    """The SHA-256 of a card's canonical JSON in hexadecimal; its first 16 digits are the model's id."""
    return hashlib.sha256(raw).hexdigest()


def decode(raw: bytes, where: str, *, model_id: str | None = None) -> Card:
    """Parse the card in `raw` and check every field.

    `where` names the card in errors; with `model_id` its hash is checked as well. Unknown keys are ignored: a later
    version may add some without a new schema. Raises `Failed` for a newer schema and `Refused` for a damaged card.
    """
    try:
        value = strict_json.parse(raw, LARGEST)
        _check_schema(value, where)
        _check_digest(raw, model_id)
        strict_json.check_canonical(value, raw)
        return Card(**{key: _read_field(value, key, read) for key, read in _FIELDS.items()})
    except ValueError as error:
        raise Refused(where, str(error), "bring back a copy, or put it away with: office31 models rm ID") from None


def _check_schema(value: dict[str, Any], where: str) -> None:
    schema = value.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise Failed(where, f"was written by a newer version (card schema {schema})", "upgrade office31-cli to read it")


def _check_digest(raw: bytes, model_id: str | None) -> None:
    if model_id is not None and digest(raw)[:16] != model_id:
        raise ValueError("its bytes do not match the model's id")


def _read_field(value: Mapping[str, Any], key: str, read: Callable[[Any], Any]) -> Any:
    if key not in value:
        raise ValueError(f"has no {key}")
    try:
        return read(value[key])
    except ValueError as error:
        raise ValueError(f"{key} {error}") from None


def _build_reader(kind: type, description: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"is not {description}")
        return value

    return read


_read_text = _build_reader(str, "text")
_read_object = _build_reader(dict, "an object")
_read_list = _build_reader(list, "a list")
_read_integer = _build_reader(int, "a whole number")


def _read_schema(value: Any) -> int:
    if _read_integer(value) != SCHEMA:
        raise ValueError(f"is {value} and not {SCHEMA}, the only version so far")
    return SCHEMA


def _read_number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError("is not a number")
    return float(value)


def _read_texts(value: Any) -> tuple[str, ...]:
    return tuple(_read_text(item) for item in _read_list(value))


def _read_counts(value: Any) -> dict[str, int]:
    if any(_read_integer(count) < 0 for count in _read_object(value).values()):
        raise ValueError("has a count below zero")
    return dict(value)


def _read_rows(value: Any) -> list[dict[str, Any]]:
    return [_read_object(row) for row in _read_list(value)]


def _read_sha256(value: Any) -> str:
    if not _SHA256.fullmatch(_read_text(value)):
        raise ValueError("is not a SHA-256 in hexadecimal")
    return str(value)


def _read_parents(value: Any) -> tuple[Parent, ...]:
    return tuple(_read_parent(_read_object(row)) for row in _read_list(value))


def _read_parent(row: dict[str, Any]) -> Parent:
    parent = Parent(
        id=_read_field(row, "id", _read_text),
        sha256=_read_field(row, "sha256", _read_sha256),
        role=_read_field(row, "role", _read_text),
    )
    if parent.id != parent.sha256[:16]:
        raise ValueError("has a parent whose id is not the beginning of its SHA-256")
    return parent


def _read_created(value: Any) -> str:
    moment = datetime.fromisoformat(_read_text(value))
    if moment.utcoffset() != timedelta(0) or moment.isoformat(timespec="microseconds") != value:
        raise ValueError("is not a UTC time with microseconds")
    if moment.year > _LAST_YEAR:  # the next model must get a later time
        raise ValueError("is too far in the future")
    return str(value)


def _read_files(value: Any) -> dict[str, FileRecord]:
    records = {name: _read_file_record(name, _read_object(row)) for name, row in _read_object(value).items()}
    if MODEL_FILE not in records:
        raise ValueError(f"has no {MODEL_FILE}")
    return records


def _read_file_record(name: str, row: dict[str, Any]) -> FileRecord:
    if not names.is_file(name) or name == CARD_FILE:
        raise ValueError("has a file name that is not allowed")
    record = FileRecord(sha256=_read_field(row, "sha256", _read_sha256), bytes=_read_field(row, "bytes", _read_integer))
    if record.bytes < 0:
        raise ValueError("has a size below zero")
    return record


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "schema": _read_schema,
    "command": _read_text,
    "parents": _read_parents,
    "network": _read_object,
    "weights": _read_text,
    "train": _read_text,
    "items": _read_texts,
    "preprocessing": _read_object,
    "data": _read_object,
    "labels_used": _read_counts,
    "configuration": _read_object,
    "environment": _read_object,
    "metrics": _read_object,
    "history": _read_rows,
    "seconds": _read_number,
    "created": _read_created,
    "files": _read_files,
}
