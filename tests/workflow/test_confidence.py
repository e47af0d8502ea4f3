"""What is fitted on held-out photographs, and how it is scored, from Python."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from office31_cli import evaluate, finetune
from office31_cli.data.catalogue import open_data
from office31_cli.metrics.calibration import fit_temperature
from office31_cli.registry import Entry, Registry
from office31_cli.results import TrainingResult
from office31_cli.workflow import seen_labels
from office31_cli.workflow.calibration import Calibration, load_calibration
from office31_cli.workflow.predictions import DomainPredictions, predict_domain
from tests.helpers.small_data import Listener
from tests.helpers.small_training import ITEMS, PICTURES, QUICK, make_things, rename_copy, trained

HELD_OUT = len(ITEMS) * PICTURES // 5


@pytest.fixture
def things(tmp_path: Path) -> Path:
    return make_things(tmp_path / "things", "shop", "phone")


@pytest.fixture
def start(things: Path) -> TrainingResult:
    return trained(things)


def stored(model: TrainingResult) -> Entry:
    return Registry().find(model.id)


def calibration_of(model: TrainingResult) -> Calibration:
    found = load_calibration(stored(model))
    assert found is not None
    return found


def answers(model: TrainingResult, data: Path, domain: str) -> DomainPredictions:
    return predict_domain(
        stored(model), open_data(str(data)), domain, None, device="cpu", skip_bad=False, observer=Listener()
    )


def error(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """The expected calibration error over 15 bins, from its definition."""
    total = 0.0
    for m in range(15):
        inside = [row for row, p in enumerate(probabilities) if m / 15 < max(p) <= (m + 1) / 15]
        total += abs(sum(max(probabilities[row]) - (probabilities[row].argmax() == actual[row]) for row in inside))
    return total / len(actual)


def powers(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    made = probabilities ** (1 / temperature)
    return made / made.sum(1, keepdims=True)


def sets(known: np.ndarray, known_items: np.ndarray, fresh: np.ndarray, coverage: float) -> np.ndarray:
    """Split conformal prediction by the definition of its quantile."""
    told = np.sort([1 - row[item] for row, item in zip(known, known_items, strict=True)])
    rank = math.ceil((len(told) + 1) * coverage - 1e-9)
    threshold = told[rank - 1] if rank <= len(told) else 2
    return (1 - fresh <= threshold) | (fresh == fresh.max(1, keepdims=True))


def test_it_is_fitted_on_what_was_held_out(things: Path, start: TrainingResult) -> None:
    found, seen = calibration_of(start), seen_labels.load_seen_labels(stored(start))
    held_out = answers(start, things, "shop")
    assert sorted(found.labels["shop"]) == sorted(digest[:16] for digest in held_out.photographs.digests)
    assert set(found.labels) == {"shop"}
    assert not set(found.labels["shop"]) & set(seen["shop"])
    assert (found.fitted_on, found.photographs) == ("shop, held out", HELD_OUT)
    assert found.temperature == pytest.approx(fit_temperature(held_out.probabilities, held_out.items))
    assert found.ece_before == pytest.approx(error(held_out.probabilities, held_out.items))
    told = [-math.log(row[item]) for row, item in zip(held_out.probabilities, held_out.items, strict=True)]
    assert list(found.scores) == pytest.approx(sorted(told))
    assert start.labels_used == {"shop": len(ITEMS) * PICTURES - HELD_OUT}
    assert start.calibration == {
        "temperature": found.temperature,
        "fitted_on": "shop, held out",
        "photographs": HELD_OUT,
        "labels_used": {"shop": HELD_OUT},
        "ece_before": found.ece_before,
        "ece_after": found.ece_after,
    }


def test_another_domain_is_scored_by_what_is_stored(things: Path, start: TrainingResult) -> None:
    found, seen = calibration_of(start), answers(start, things, "phone")
    own = answers(start, things, "shop")
    scored = evaluate("phone", model=start.id, data=str(things), coverage=0.7)
    assert scored.calibration["own"] == 0
    assert scored.calibration["ece_before"] == scored.ece == pytest.approx(error(seen.probabilities, seen.items))
    after = error(powers(seen.probabilities, found.temperature), seen.items)
    assert scored.calibration["ece_after"] == pytest.approx(after)
    held = sets(own.probabilities, own.items, seen.probabilities, 0.7)
    assert scored.conformal["measured"] == held[np.arange(len(held)), seen.items].mean()
    assert scored.conformal["mean_size"] == held.sum(1).mean()
    low, high = scored.conformal["ci95"]
    assert low <= scored.conformal["measured"] <= high
    for stage in ("reliability", "reliability_after"):
        rows = scored.calibration[stage]
        assert sum(row["photographs"] for row in rows) == len(held)
        right = sum(row["photographs"] * row["accuracy"] for row in rows)
        assert right == pytest.approx(scored.accuracy * len(held))


def test_what_it_was_fitted_on_is_judged_without_its_own_labels(things: Path, start: TrainingResult) -> None:
    own = answers(start, things, "shop")
    scored = evaluate("shop", model=start.id, data=str(things), coverage=0.6)
    assert (scored.photographs, scored.calibration["own"]) == (HELD_OUT, HELD_OUT)
    parts = np.array([int(digest[:8], 16) % 5 for digest in own.photographs.digests])
    made, held = own.probabilities.copy(), np.zeros(own.probabilities.shape, dtype=bool)
    assert len(set(parts)) > 1
    for part in set(parts):
        inside, others = parts == part, parts != part
        temperature = fit_temperature(own.probabilities[others], own.items[others])
        made[inside] = powers(own.probabilities[inside], temperature)
        held[inside] = sets(own.probabilities[others], own.items[others], own.probabilities[inside], 0.6)
    assert scored.calibration["ece_after"] == pytest.approx(error(made, own.items))
    assert scored.calibration["ece_after"] == pytest.approx(calibration_of(start).ece_after)
    assert scored.conformal["measured"] == held[np.arange(len(held)), own.items].mean()
    assert scored.conformal["mean_size"] == held.sum(1).mean()


def test_a_copy_under_another_name_is_known_by_its_photographs(things: Path, start: TrainingResult) -> None:
    rename_copy(things, "shop", "camera")
    assert evaluate("camera", model=start.id, data=str(things)).calibration["own"] == HELD_OUT


def test_finetuned_it_is_fitted_on_the_target_and_says_so(things: Path, start: TrainingResult) -> None:
    tuned = finetune("phone", model=start.id, data=str(things), labels=2, options=QUICK)
    found = calibration_of(tuned)
    assert (found.fitted_on, set(found.labels), found.photographs) == ("phone, held out", {"phone"}, HELD_OUT)
    assert tuned.labels_used["phone"] == 2 * len(ITEMS)
    assert not set(found.labels["phone"]) & set(seen_labels.load_seen_labels(stored(tuned))["phone"])
    scored = evaluate("phone:all", model=tuned.id, data=str(things))
    assert (scored.seen, scored.calibration["own"]) == (2 * len(ITEMS), HELD_OUT)


def test_with_nothing_held_out_there_is_none(things: Path) -> None:
    whole = trained(things, options=dataclasses.replace(QUICK, held_out=0.0))
    assert whole.calibration is None
    assert load_calibration(stored(whole)) is None
    scored = evaluate("phone", model=whole.id, data=str(things))
    assert scored.calibration["ece_before"] == scored.ece
    assert [scored.calibration[name] for name in ("temperature", "fitted_on", "ece_after", "own")] == [None] * 4
    assert scored.conformal == {"coverage": 0.9, "measured": None, "ci95": None, "mean_size": None}
