import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office31_cli.errors import Failed, Office31Error, Refused
from office31_cli.registry import card as cards
from office31_cli.registry.card import Card, FileRecord
from tests.helpers.small_models import make_card

WHOLE = replace(
    make_card(),
    created="2026-01-02T03:04:05.000006+00:00",
    files={"model.safetensors": FileRecord(sha256="ab" * 32, bytes=10)},
)


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def changed(**fields: object) -> bytes:
    return canonical(json.loads(cards.encode(WHOLE)) | fields)


def decode(raw: bytes) -> Card:
    return cards.decode(raw, "card.json")


@pytest.mark.fault(77)
def test_a_card_is_read_as_it_was_written_with_nan_as_null() -> None:
    assert decode(cards.encode(WHOLE)) == replace(WHOLE, history=[{"epoch": 1, "loss": None}])


def test_a_key_that_a_later_version_added_is_let_through() -> None:
    assert decode(changed(licence="MIT")).command == "pretrain"


def test_earlier_versions_find_the_job_that_they_require_of_a_card() -> None:
    assert json.loads(cards.encode(WHOLE))["job"] is None


@pytest.mark.fault(56)
def test_a_newer_schema_asks_for_an_upgrade() -> None:
    with pytest.raises(Failed, match="upgrade office31-cli"):
        decode(changed(schema=2))


@pytest.mark.parametrize(
    "fields",
    [
        {"schema": 0},
        {"schema": True},
        {"command": 1},
        {"items": "mug"},
        {"items": [1]},
        {"labels_used": {"amazon": -1}},
        {"labels_used": {"amazon": 1.5}},
        {"history": [1]},
        {"seconds": "1"},
        {"seconds": 10**400},
        {"metrics": {"validation": {"item": -(10**400)}}},
        {"created": "yesterday"},
        {"created": "9999-12-31T23:59:59.999999+00:00"},
        {"created": "2026-01-02T03:04:05.000006+02:00"},
        {"files": {}},
        {"files": {"model.safetensors": {"sha256": "AB" * 32, "bytes": 1}}},
        {"files": {"model.safetensors": {"sha256": "ab" * 32, "bytes": -1}}},
        {"files": {"model.safetensors": {"sha256": "ab" * 32, "bytes": 1}, "../x": {"sha256": "ab" * 32, "bytes": 1}}},
        {"parents": [{"id": "0" * 16, "sha256": "1" * 64, "role": "start"}]},
        {"metrics": None},
    ],
)
def test_a_field_of_another_kind_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(Refused, match=r"card\.json"):
        decode(changed(**fields))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"schema":1,"schema":1}',
        cards.encode(WHOLE).replace(b'"seconds":1.5', b'"seconds":NaN'),
        cards.encode(WHOLE).replace(b'"seconds":1.5', b'"seconds":1e999'),
        cards.encode(WHOLE).replace(b'"seconds":1.5', b'"seconds":1' + b"0" * 400),
        cards.encode(WHOLE).replace(b'"seconds":1.5', b'"seconds": 1.5'),
        changed(network=json.loads("[" * 50 + "]" * 50)),
        b" " * (cards.LARGEST + 1),
    ],
)
@pytest.mark.fault(57)
def test_broken_nested_repeated_or_other_json_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        decode(raw)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_changed_byte_is_found_by_the_id(place: int, value: int) -> None:
    raw = bytearray(cards.encode(WHOLE))
    model_id = cards.digest(bytes(raw))[:16]
    raw[place % len(raw)] = value
    if bytes(raw) != cards.encode(WHOLE):
        with pytest.raises(Office31Error):
            cards.decode(bytes(raw), "card.json", model_id=model_id)
