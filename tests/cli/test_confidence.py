"""What the command says of a network's confidence."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import Command


@pytest.fixture(scope="module")
def scored(drawn: Command, pretrained: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = drawn.json("evaluate", "--split", "webcam", "--model", pretrained["id"])
    return result


def test_pretrain_says_on_what_it_was_fitted(drawn: Command, pretrained: dict[str, Any]) -> None:
    told = pretrained["calibration"]
    assert (told["fitted_on"], told["photographs"]) == ("amazon, held out", 186)
    assert told["labels_used"] == {"amazon": 186}
    assert 0.05 <= told["temperature"] <= 20
    card = drawn.json("models", "show", pretrained["id"])["card"]
    assert card["metrics"]["calibration"] == told
    assert "calibration.json" in card["files"]
    shown = drawn("models", "show", pretrained["id"]).out
    assert f"temperature {told['temperature']:.2f}, fitted on amazon, held out" in shown


def test_evaluate_compares_confidence_with_accuracy(drawn: Command, scored: dict[str, Any]) -> None:
    calibration, conformal = scored["calibration"], scored["conformal"]
    assert calibration.keys() >= {"temperature", "fitted_on", "ece_before", "ece_after", "reliability"}
    assert calibration["ece_before"] == scored["ece"]
    assert conformal.keys() == {"coverage", "measured", "ci95", "mean_size"}
    assert conformal["coverage"] == 0.9
    assert 1 <= conformal["mean_size"] <= 31
    code, out, err = drawn("evaluate", "--split", "webcam", "--model", scored["id"], "--details")
    assert (code, err) == (0, "")
    for text in (
        f"{100 * scored['ece']:.1f} %",
        f"{100 * calibration['ece_after']:.1f} % at temperature {calibration['temperature']:.2f}",
        "prediction sets",
        f"{100 * conformal['measured']:.1f} % contain the item, target coverage 90 %",
        f"{conformal['mean_size']:.2f} items each",
        "guaranteed for photographs like amazon, held out",
    ):
        assert text in out
    for row in calibration["reliability_after"]:
        assert re.search(rf" {row['photographs']:,} │ +{100 * row['accuracy']:.1f} %", out)


def test_more_coverage_takes_larger_sets(drawn: Command, scored: dict[str, Any]) -> None:
    words = ("evaluate", "--split", "webcam", "--model", scored["id"], "--coverage", "0.5")
    fewer = drawn.json(*words)
    assert fewer["conformal"]["mean_size"] < scored["conformal"]["mean_size"]
    assert fewer["conformal"]["measured"] < scored["conformal"]["measured"]
    same = ("accuracy", "ci95", "macro_accuracy", "ece", "outputs", "per_item", "calibration")
    assert [fewer[name] for name in same] == [scored[name] for name in same]
    assert "target coverage 50 %" in drawn(*words).out


def test_photographs_that_it_was_fitted_on_are_named(drawn: Command, pretrained: dict[str, Any]) -> None:
    out = drawn("evaluate", "--split", "amazon", "--model", pretrained["id"]).out
    assert "fitted on 186 of these, each scored by a fit without it" in out


def test_it_travels_with_the_model_and_is_believed_in_nothing(
    drawn: Command, scored: dict[str, Any], sample_home: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "model.safetensors"
    drawn.json("models", "export", scored["id"], bundle)
    elsewhere = Command(shutil.copytree(sample_home, tmp_path / "elsewhere", symlinks=True))
    brought = elsewhere.json("models", "import", bundle)
    words = ("evaluate", "--split", "webcam", "--model", brought["id"])
    again = elsewhere.json(*words)
    assert [again[name] for name in ("calibration", "conformal")] == [scored[n] for n in ("calibration", "conformal")]

    record = elsewhere.home / "registry" / "models" / brought["id"] / "calibration.json"
    stored = record.read_bytes()
    record.write_bytes(json.dumps(json.loads(stored) | {"temperature": 7.0}).encode().ljust(len(stored))[: len(stored)])
    code, out, err = elsewhere(*words)
    assert (code, out) == (3, "")
    assert err.startswith("error: ")
    assert "calibration.json" in err
