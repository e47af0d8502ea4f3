"""What is kept of a calibration beside a model, and what is made of answers by it."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from scipy import special

from office31_cli.errors import Refused
from office31_cli.metrics.calibration import apply_temperature, expected_calibration_error
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.pair import Kind as Pair
from office31_cli.registry import MODEL_FILE, Entry, Registry
from office31_cli.workflow.calibration import CALIBRATION_FILE, Calibration, load_calibration
from tests.helpers.small_models import make_card, safetensors_bytes

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 3, (60, 4))
SHARES = special.softmax(LOGITS, axis=1)
ITEMS = RANDOM.integers(4, size=60)
DIGESTS = [f"{number:064x}" for number in range(60)]


def fitted() -> Calibration:
    return Calibration.fit(
        SHARES, ITEMS, DIGESTS, fitted_on="shop, held out", labels={"shop": [each[:16] for each in DIGESTS]}
    )


def stored(content: bytes | None) -> Entry:
    """A model with that content in place of a calibration; without any for None."""
    files = {MODEL_FILE: safetensors_bytes(1.0)} | ({} if content is None else {CALIBRATION_FILE: content})
    return Registry().publish(make_card(), files, suggested="model")


def test_what_was_stored_is_read_again() -> None:
    made = fitted()
    found = load_calibration(stored(made.encode()))
    assert found == made
    assert (made.photographs, len(made.labels["shop"])) == (60, 60)


def test_a_model_from_before_has_none() -> None:
    assert load_calibration(stored(None)) is None


DAMAGES: list[tuple[str, Any]] = [
    ("temperature", 0),
    ("temperature", 1e9),
    ("temperature", "1"),
    ("temperature", True),
    ("temperature", None),
    ("fitted_on", 3),
    ("labels", ["shop"]),
    ("labels", {"shop": [1]}),
    ("labels", {"shop": "0123"}),
    ("ece_before", -0.1),
    ("ece_after", 1.1),
    ("scores", []),
    ("scores", [2.0, 1.0]),
    ("scores", [-1.0]),
    ("scores", 3),
]


@pytest.mark.parametrize(("key", "value"), DAMAGES)
def test_a_value_that_cannot_be_is_refused(key: str, value: Any) -> None:
    entry = stored(json.dumps(dataclasses.asdict(fitted()) | {key: value}).encode())
    with pytest.raises(Refused, match=r"calibration\.json.*models rm"):
        load_calibration(entry)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"{" * 9999, b'{"temperature":NaN}', b"\xff\xfe"])
def test_what_is_no_record_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        load_calibration(stored(content))


def test_bytes_that_changed_since_are_refused() -> None:
    entry = stored(fitted().encode())
    path = entry.folder / CALIBRATION_FILE
    path.write_bytes(path.read_bytes().replace(b"shop, held", b"shop. held"))
    with pytest.raises(Refused, match="SHA-256"):
        load_calibration(entry)


def test_a_choices_logits_are_divided_by_the_temperature() -> None:
    made = fitted()
    np.testing.assert_allclose(made.calibrate(SHARES), special.softmax(LOGITS / made.temperature, axis=1), rtol=1e-9)


def test_pairs_are_calibrated_as_items() -> None:
    """The item's probability is a sum over domains, of which no logits are left to be divided."""
    output = Pair.for_column("pair", {"domain": ("a", "b"), "item": ("w", "x", "y", "z")})
    items = Composite(((output,),)).decode_array(RANDOM.normal(0, 3, (60, 8)))["item"]
    made = Calibration.fit(items, ITEMS, DIGESTS, fitted_on="", labels={})
    expected = items ** (1 / made.temperature)
    np.testing.assert_allclose(made.calibrate(items), expected / expected.sum(1, keepdims=True), rtol=1e-9)


def test_the_error_afterwards_is_of_photographs_that_were_not_fitted_on() -> None:
    made = fitted()
    on_themselves = apply_temperature(SHARES, made.temperature)
    assert made.ece_after != pytest.approx(expected_calibration_error(on_themselves, ITEMS), abs=1e-6)
    twins = ["a" * 64] * 60  # all in one fold: nothing to learn from
    alone = Calibration.fit(SHARES, ITEMS, twins, fitted_on="", labels={})
    assert alone.ece_after == alone.ece_before


def test_more_coverage_makes_larger_sets_and_covers_what_was_fitted_on() -> None:
    made, probabilities = fitted(), SHARES
    sizes = []
    for coverage in (0.5, 0.8, 0.95):
        sets = made.prediction_sets(probabilities, coverage)
        assert sets[np.arange(60), ITEMS].mean() >= coverage
        sizes.append(sets.sum(1).mean())
    assert sizes == sorted(sizes)
    assert made.prediction_sets(probabilities, 0.99).all()  # 60 photographs cannot promise that


def test_one_photograph_is_enough_to_begin_with() -> None:
    one = Calibration.fit(SHARES[:1], ITEMS[:1], DIGESTS[:1], fitted_on="", labels={})
    assert Calibration.decode(one.encode()) == one
    assert one.prediction_sets(SHARES, 0.9).all()
