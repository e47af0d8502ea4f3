"""The figures that a SqueezeNet reaches on the real photographs, on a CPU: about two minutes."""

from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from tests.helpers.real_command import Command

SHARED = Path(__file__).parents[3] / "shared"
ARCHIVE = SHARED / "office31" / "domain_adaptation_images.tar.gz"
WEIGHTS = SHARED / "weights" / "squeezenet1_0-imagenet.pth"

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not (ARCHIVE.exists() and WEIGHTS.exists()), reason=f"no photographs and weights in {SHARED}"),
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command with all of Office-31."""
    command = Command(tmp_path_factory.mktemp("figures"))
    assert command.json("download", "--from", ARCHIVE)["photographs"] == 4110
    return command


@pytest.fixture(scope="module")
def start(real: Command) -> dict[str, Any]:
    """A head trained on amazon."""
    words = ("--backbone", "squeezenet1_0", "--weights", WEIGHTS, "--seed", "0", "--device", "cpu")
    result: dict[str, Any] = real.json("pretrain", "--domain", "amazon", *words)
    return result


@pytest.mark.parametrize(("domain", "photographs"), [("webcam", 795), ("dslr", 498)])
def test_amazon_alone_carries_over_in_part(real: Command, start: dict[str, Any], domain: str, photographs: int) -> None:
    scored = real.json("evaluate", "--split", domain, "--model", start["id"], "--device", "cpu")
    assert (scored["split"], scored["photographs"], scored["seen"]) == (f"{domain}:all", photographs, 0)
    assert scored["labels_used"] == start["labels_used"] | {domain: 0}
    assert scored["accuracy"] >= 0.58


def test_labels_of_dslr_close_the_gap(real: Command, start: dict[str, Any]) -> None:
    held_out, carried_over = [], []
    for seed in ("0", "1", "2", "3", "4"):
        words = ("--model", start["id"], "--seed", seed, "--device", "cpu")
        tuned = real.json("finetune", "--target", "dslr", *words)
        assert tuned["labels_used"] == start["labels_used"] | {"dslr": tuned["photographs"]}
        assert tuned["photographs"] + tuned["held_out"] == 498
        held_out.append(tuned["validation"]["item"])
        scored = real.json("evaluate", "--split", "webcam", "--model", tuned["id"], "--device", "cpu")
        assert (scored["photographs"], scored["seen"]) == (795, 0)
        carried_over.append(scored["accuracy"])
    assert mean(held_out) >= 0.92
    assert mean(carried_over) >= 0.88
