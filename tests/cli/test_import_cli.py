"""`office31 models import` of a classifier that was trained elsewhere, by the real command."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from office31_cli.data.sets import load
from office31_cli.models.stored import load_network
from office31_cli.registry import Registry
from tests.helpers.real_command import Command

BACKBONE = "mobilenet_v3_small"

PICTURES = 5
"""Of each item in each domain."""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as a training script writes it, its outputs in no alphabetical order, and their names beside it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    torch.manual_seed(0)
    network = torchvision.models.get_model(BACKBONE, num_classes=31)
    torch.save({"model": {f"module.{key}": value for key, value in network.state_dict().items()}}, folder / "net.pth")
    (folder / "items.txt").write_text("\n".join(reversed(load("sample").items())) + "\n")
    return folder


@pytest.fixture(scope="module")
def few(drawn: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's domains and items with a few pictures each, which soon have passed through a network."""
    root = tmp_path_factory.mktemp("few") / "few"
    for item in sorted((drawn.home / "data" / "sample").glob("*/*/")):
        folder = root / item.parent.name / item.name
        folder.mkdir(parents=True)
        for picture in sorted(item.iterdir())[:PICTURES]:
            shutil.copy(picture, folder)
    return root


@pytest.fixture(scope="module")
def imported(drawn: Command, few: Path, elsewhere: Path) -> dict[str, Any]:
    words = ("models", "import", elsewhere / "net.pth", "--backbone", BACKBONE, "--items", elsewhere / "items.txt")
    code, out, err = drawn(*words, "--data", few, "--domain", "amazon", "--name", "theirs", "--json")
    assert (code, err) == (0, "")
    result: dict[str, Any] = json.loads(out)
    return result


def test_it_answers_as_the_classifier_does_to_the_last_bit_of_doubt(
    imported: dict[str, Any], drawn: Command, elsewhere: Path
) -> None:
    assert (imported["model"], imported["command"], imported["backbone"]) == ("theirs", "import", BACKBONE)
    network, preprocessing = load_network(Registry(drawn.home / "registry").find("theirs"))
    original = torchvision.models.get_model(BACKBONE, num_classes=31)
    stored = torch.load(elsewhere / "net.pth", weights_only=True)["model"]
    original.load_state_dict({key.removeprefix("module."): value for key, value in stored.items()})
    images = torch.randn(4, 3, preprocessing.crop, preprocessing.crop)
    with torch.no_grad():
        ours, theirs = network.eval()(images), original.eval()(images)
    torch.testing.assert_close(ours, theirs.flip(1), rtol=0, atol=1e-6)  # the items the other way round


def test_its_scores_are_honest_about_what_it_has_seen(imported: dict[str, Any], drawn: Command) -> None:
    seen = drawn.json("evaluate", "--split", "amazon:all", "--model", "theirs")
    assert seen["seen"] == seen["photographs"] == seen["labels_used"]["amazon"] == 31 * PICTURES
    code, out, err = drawn("evaluate", "--split", "webcam", "--model", "theirs", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["labels_used"] == {"amazon": 31 * PICTURES, "webcam": 0}


def test_it_can_be_gone_on_from(imported: dict[str, Any], drawn: Command) -> None:
    quick = ("--model", "theirs", "--epochs", "1", "--train", "head", "--device", "cpu")
    tuned = drawn.json("finetune", "--target", "dslr", *quick)
    assert tuned["parent"] == imported["id"]
    adapted = drawn.json("adapt", "--target", "dslr", "--method", "mcc", "--steps", "2", *quick)
    assert (adapted["parent"], adapted["source"]) == (imported["id"], "amazon")
    code, _, err = drawn("adapt", "--target", "dslr", "--method", "tent", "--model", "theirs", "--train", "head")
    assert (code, "the part that is trained has none" in err) == (2, True)


def test_where_nobody_says_what_it_has_seen_every_score_says_so(
    drawn: Command, few: Path, elsewhere: Path, imported: dict[str, Any]
) -> None:
    words = ("models", "import", elsewhere / "net.pth", "--backbone", BACKBONE, "--data", few, "--name", "unknown")
    code, _, err = drawn(*words)
    assert code == 0
    assert "outputs: taken to be the items of few in alphabetical order" in err
    assert "warning: what it was trained on is not told (--domain)" in err
    tuned = drawn.json("finetune", "--target", "dslr", "--model", "unknown", "--epochs", "1", "--train", "head")
    for model in ("unknown", tuned["model"]):
        _, _, err = drawn("evaluate", "--split", "webcam", "--model", model)
        assert f"warning: what {model} was trained on elsewhere is not known" in err


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ("mug\npen\n", "they answer 31 classes, and 2 are named"),
        ("mug\npen\nmug\n", "mug is there twice"),
        ("\n \n", "it names nothing"),
    ],
)
def test_names_that_do_not_fit_are_wrong_usage(
    names: str, why: str, drawn: Command, elsewhere: Path, tmp_path: Path
) -> None:
    (tmp_path / "items.txt").write_text(names)
    words = ("models", "import", elsewhere / "net.pth", "--backbone", BACKBONE, "--items", tmp_path / "items.txt")
    code, out, err = drawn(*words)
    assert (code, out) == (2, "")
    assert why in err
    assert [line.partition(":")[0] for line in err.splitlines()] == ["error"]


def test_weights_of_another_network_are_told_by_their_names(drawn: Command, elsewhere: Path) -> None:
    code, _, err = drawn("models", "import", elsewhere / "net.pth", "--backbone", "resnet18", "--data", "sample")
    assert code == 1
    assert "they do not fit" in err


@pytest.mark.fault(68)
def test_values_that_are_not_finite_are_refused(drawn: Command, elsewhere: Path, tmp_path: Path) -> None:
    tensors = torch.load(elsewhere / "net.pth", weights_only=True)["model"]
    tensors["module.features.0.0.weight"].view(-1)[0] = torch.nan
    torch.save(tensors, tmp_path / "odd.pth")
    words = ("--backbone", BACKBONE, "--items", elsewhere / "items.txt", "--name", "odd")
    code, out, err = drawn("models", "import", tmp_path / "odd.pth", *words)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "features.0.0.weight holds values that are not finite" in err
