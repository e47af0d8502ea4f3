"""Exports of real networks, shown real photographs."""

from pathlib import Path
from typing import Any

import pytest

from office31_cli.models import formats
from tests.helpers.real_command import Command

SHARED = Path(__file__).parents[3] / "shared"
ARCHIVE = SHARED / "office31" / "domain_adaptation_images.tar.gz"
WEIGHTS = SHARED / "weights" / "squeezenet1_0-imagenet.pth"
NAMES = formats.FOLDER.names()

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not (ARCHIVE.exists() and WEIGHTS.exists()), reason=f"no photographs and weights in {SHARED}"),
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Command:
    command = Command(tmp_path_factory.mktemp("real"))
    command.json("download", "--from", ARCHIVE)
    start = ("--backbone", "squeezenet1_0", "--weights", WEIGHTS, "--train", "head", "--device", "cpu")
    command.json("pretrain", "--domain", "amazon", "--name", "start", *start)
    command.json(
        "pretrain", "--domain", "amazon", "--domain", "webcam", "--outputs", "item+domain", "--name", "both", *start
    )
    command.json("adapt", "--target", "webcam", "--model", "start", "--name", "adapted", "--device", "cpu")
    return command


@pytest.mark.parametrize("inside", [False, True], ids=["images", "pictures"])
@pytest.mark.parametrize("model", ["adapted", "both"])
@pytest.mark.parametrize("form", NAMES)
def test_a_file_agrees_with_the_model_on_200_photographs(
    form: str, model: str, inside: bool, real: Command, tmp_path: Path
) -> None:
    for module in formats.load(form).requires:
        pytest.importorskip(module, reason=f"the extra {form} is not installed")
    words = ("models", "export", model, tmp_path / f"m.{form}", "--pictures", "200")
    said: dict[str, Any] = real.json(*words, *(["--preprocessing"] if inside else []))
    parity = said["parity"]
    assert (parity["pictures"], parity["agreeing"], parity["source"]) == (200, 200, "office31")
    assert parity["largest_difference"] < 1e-3
