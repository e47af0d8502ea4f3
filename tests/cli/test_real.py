"""A short chain on the real photographs, with a real pre-trained network."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import Command

SHARED = Path(__file__).parents[3] / "shared"
ARCHIVE = SHARED / "office31" / "domain_adaptation_images.tar.gz"
WEIGHTS = SHARED / "weights" / "squeezenet1_0-imagenet.pth"
ITEMS = ("back_pack", "bike", "bike_helmet", "bookcase", "bottle", "calculator")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (ARCHIVE.exists() and WEIGHTS.exists()), reason=f"no photographs and weights in {SHARED}"),
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def downloaded(real: Command) -> dict[str, Any]:
    result: dict[str, Any] = real.json("download", "--from", ARCHIVE)
    return result


@pytest.fixture(scope="module")
def few(downloaded: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photographs of each of six items in each domain."""
    root = tmp_path_factory.mktemp("few") / "few"
    for domain in downloaded["domains"]:
        for item in ITEMS:
            (root / domain / item).mkdir(parents=True)
            for photograph in sorted((Path(downloaded["root"]) / domain / item).iterdir())[:12]:
                shutil.copy(photograph, root / domain / item)
    return root


def test_the_archive_holds_office31(downloaded: dict[str, Any]) -> None:
    assert downloaded["domains"] == {"amazon": 2817, "dslr": 498, "webcam": 795}
    assert (downloaded["photographs"], downloaded["items"], downloaded["verified"]) == (4110, 31, True)


def test_a_pretrained_network_carries_over_to_another_camera(real: Command, few: Path) -> None:
    start = ("--backbone", "squeezenet1_0", "--weights", WEIGHTS)
    trained = real.json("pretrain", "--domain", "amazon", "--data", few, "--train", "head", "--device", "cpu", *start)
    assert trained["weights"].startswith("squeezenet1_0-imagenet.pth@")
    assert 50 <= trained["labels_used"]["amazon"] <= 60  # four fifths of each item's twelve, copies kept together

    scored = real.json("evaluate", "--split", "webcam")
    assert (scored["split"], scored["photographs"]) == ("webcam:all", 72)
    assert scored["labels_used"] == trained["labels_used"] | {"webcam": 0}
    assert scored["accuracy"] > 0.5  # chance is 1 in 6

    tuned = real.json("finetune", "--target", "dslr", "--labels", "3", "--device", "cpu")
    assert tuned["parent"] == trained["id"]
    assert tuned["labels_used"] == trained["labels_used"] | {"dslr": 18}
    scored = real.json("evaluate", "--split", "dslr")
    assert scored["split"] == "dslr:test"
    assert scored["photographs"] == 72 - 18
    assert scored["accuracy"] > 0.6


def test_published_figures_stand_beside_those_of_the_same_photographs(
    real: Command, downloaded: dict[str, Any], few: Path
) -> None:
    quick = ("--backbone", "convnet", "--weights", "none", "--steps", "2", "--epochs", "1", "--device", "cpu")
    some = ("benchmark", "--methods", "erm,mcc,dann", "--seeds", "0", "--published", "alexnet", *quick)
    found = real.json(*some, "--tasks", "D-W", "--data", downloaded["root"])  # wherever they lie
    ours = {row["method"]: (row["published"], row["published_selection"]) for row in found["rows"]}
    assert ours == {"erm": (0.701, "unknown"), "mcc": (None, None), "dann": (0.743, "unknown")}
    theirs = {row["method"]: row for row in found["published"]}
    assert theirs["Source only"]["tasks"]["A-W"] == 0.616
    assert {row["backbone"] for row in theirs.values()} == {"AlexNet"}
    assert {"DANN", "JAN"} <= theirs.keys()
    code, out, err = real(*some, "--data", few)
    assert (code, out) == (2, "")
    assert "few holds other photographs" in err


def test_the_identical_photographs_are_found(real: Command, downloaded: dict[str, Any]) -> None:
    found = real.json("doctor")["data"]
    assert {name: each["photographs"] for name, each in found["domains"].items()} == downloaded["domains"]
    assert len(found["identical"]) == 49
    assert {place["domain"] for group in found["identical"] for place in group} == {"amazon"}
