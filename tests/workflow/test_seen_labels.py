"""The record of labels that comes with a model: whoever made the file wrote it, so it is read with suspicion."""

import pytest

from office31_cli.errors import Refused
from office31_cli.registry import Entry, Registry
from office31_cli.workflow import seen_labels
from tests.helpers.small_models import make_card, safetensors_bytes


def stored(record: bytes) -> Entry:
    files = {"model.safetensors": safetensors_bytes(1.0), seen_labels.FILE: record}
    return Registry().publish(make_card(), files, suggested="model")


def test_what_was_recorded_is_read_back() -> None:
    seen = {"shop": ["0" * 16, "1" * 16], "phone": []}
    assert seen_labels.load_seen_labels(stored(seen_labels.encode(seen))) == seen


@pytest.mark.fault(69)
@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"shop":1}',
        b'{"shop":[],"shop":["0123"]}',
        b"[" * 100_000,
        b'{"shop":' * 100_000,
        b'{"shop":[NaN]}',
    ],
    ids=range(8),
)
def test_a_forged_record_is_refused_in_one_line(record: bytes) -> None:
    with pytest.raises(Refused, match="not a record of labels") as raised:
        seen_labels.load_seen_labels(stored(record))
    assert "\n" not in str(raised.value)
