"""`office31 models export` of the small network, by the real command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from office31_cli.models import formats
from tests.helpers.real_command import OWN, Command
from tests.helpers.small_data import lay_out

NAMES = formats.FOLDER.names()


@pytest.fixture(scope="module", params=NAMES)
def form(request: pytest.FixtureRequest) -> str:
    for module in formats.load(request.param).requires:
        pytest.importorskip(module, reason=f"the extra {request.param} is not installed")
    return str(request.param)


def answers(path: Path, pictures: np.ndarray) -> dict[str, np.ndarray]:
    return formats.load(path.suffix.removeprefix(".")).run(path.read_bytes())(pictures)


def photograph(command: Command, domain: str = "webcam") -> Path:
    return next(iter(sorted((command.home / "data" / "sample" / domain / "mug").iterdir())))


@pytest.fixture(scope="module")
def exported(
    form: str, drawn: Command, pretrained: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the command said of a file with preprocessing inside and a card beside it."""
    path = tmp_path_factory.mktemp("exported") / f"small.{form}"
    words = ("models", "export", pretrained["id"], path, "--preprocessing", "--card", "--pictures", "40")
    said: dict[str, Any] = drawn.json(*words)
    return said


def test_a_file_names_what_is_on_a_photograph_without_this_program(
    exported: dict[str, Any], drawn: Command, pretrained: dict[str, Any], form: str
) -> None:
    assert (exported["model"], exported["id"]) == (pretrained["model"], pretrained["id"])
    assert (exported["format"], exported["preprocessing"]) == (form, True)
    assert exported["bytes"] == Path(exported["path"]).stat().st_size
    parity = exported["parity"]
    assert (parity["pictures"], parity["source"], parity["agreeing"]) == (40, "sample", 40)
    assert 0 <= parity["largest_difference"] < 1e-3

    folder = Path(exported["path"]).parent
    (folder / "photograph.jpg").write_bytes(photograph(drawn).read_bytes())
    card = Path(exported["card"]).read_text(encoding="utf-8")
    code = card.split("```python\n")[1].split("```")[0]
    code += "\nimport sys\nsys.stderr.write(json.dumps([float(p) for p in item[0]]))"
    code += "\nassert 'office31_cli' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    probabilities = json.loads(done.stderr.splitlines()[-1])
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert done.stdout.strip() == exported["answers"][1]["labels"][int(np.argmax(probabilities))]


def test_the_cards_scores_are_those_of_evaluate(
    exported: dict[str, Any], drawn: Command, pretrained: dict[str, Any]
) -> None:
    card = Path(exported["card"]).read_text(encoding="utf-8")
    for split in ("amazon:test", "webcam:all"):
        score = drawn.json("evaluate", "--split", split, "--model", pretrained["id"])
        row = next(line for line in card.split("\n") if line.startswith(f"| {split} |"))
        low, high = (f"{100 * bound:.1f} %" for bound in score["ci95"])
        assert f"| {score['photographs']} | {100 * score['accuracy']:.1f} % | {low} to {high} |" in row
    assert "dslr:all" in card
    assert f"amazon {pretrained['labels_used']['amazon']}" in card


def test_without_preprocessing_it_takes_images_as_the_network_does(
    form: str, drawn: Command, pretrained: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / f"plain.{form}"
    said = drawn.json("models", "export", pretrained["id"], path, "--pictures", "3")
    assert (said["preprocessing"], said["card"]) == (False, None)
    assert (said["given"]["name"], said["given"]["shape"][1:]) == ("images", [3, 48, 48])
    found = answers(path, np.zeros((2, 3, 48, 48), np.float32))
    assert {name: array.shape for name, array in found.items()} == {"logits": (2, 31), "item": (2, 31)}
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_answers_otherwise_is_not_kept(
    form: str, drawn: Command, pretrained: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / f"off.{form}"
    prelude = (
        f"from office31_cli.models.formats import {form}\n"
        f"run = {form}.Format.run\n"
        "def other(self, content):\n"
        "    right = run(self, content)\n"
        "    return lambda batch: {name: answer + (name == 'logits') * 0.01 for name, answer in right(batch).items()}\n"
        f"{form}.Format.run = other\n"
    )
    words = ("models", "export", pretrained["id"], path, "--pictures", "2")
    code, out, err = drawn(*words, prelude=prelude)
    assert (code, out) == (3, "")
    assert err.startswith(f"error: {path}: ")
    assert "0.01" in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"before")
    assert drawn(*words, "--overwrite", prelude=prelude).code == 3
    assert path.read_bytes() == b"before"
    assert drawn(*words, "--overwrite", "--tolerance", "0.1", prelude=prelude).code == 0


def test_where_the_data_set_is_gone_pictures_are_drawn_and_the_card_claims_no_score(
    owned: tuple[Command, dict[str, Any]], own_folder: Path, form: str, tmp_path: Path
) -> None:
    command, model = owned
    own_folder.rename(own_folder.with_name("moved"))
    try:
        said = command.json("models", "export", model["id"], tmp_path / f"m.{form}", "--card", "--pictures", "5")
    finally:
        own_folder.with_name("moved").rename(own_folder)
    assert (said["parity"]["pictures"], said["parity"]["source"]) == (5, None)
    assert "not at hand" in (tmp_path / "m.md").read_text(encoding="utf-8")


def test_a_safetensors_file_may_have_a_card_too(drawn: Command, pretrained: dict[str, Any], tmp_path: Path) -> None:
    said = drawn.json("models", "export", pretrained["id"], tmp_path / "m.safetensors", "--card")
    assert (said["format"], said["parity"], said["preprocessing"]) == ("safetensors", None, None)
    assert "office31 models import m.safetensors" in (tmp_path / "m.md").read_text(encoding="utf-8")
    code, _, err = drawn("models", "export", pretrained["id"], tmp_path / "n.safetensors", "--preprocessing")
    assert (code, err.startswith("error: --preprocessing: safetensors holds")) == (2, True)


def test_a_card_that_is_there_is_kept_and_nothing_is_computed(drawn: Command, tmp_path: Path) -> None:
    (tmp_path / "m.md").write_text("mine")
    code, _, err = drawn("models", "export", "amazon-convnet", tmp_path / "m.pt2", "--card")
    assert (code, "m.md: it exists already" in err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["m.md"]


def test_a_composite_answers_every_column(form: str, drawn: Command, tmp_path: Path) -> None:
    options = ("--domain", "amazon", "--domain", "webcam", "--outputs", "item+domain", "--epochs", "1")
    model = drawn.json("pretrain", *options, "--name", f"composite-{form}")
    path = tmp_path / f"m.{form}"
    said = drawn.json("models", "export", model["id"], path, "--preprocessing", "--pictures", "20")
    assert said["parity"]["agreeing"] == 20
    assert [end["name"] for end in said["answers"]] == ["logits", "item", "domain"]
    from PIL import Image

    picture = np.asarray(Image.open(photograph(drawn)).convert("RGB"))
    found = answers(path, picture[None])
    assert torch.from_numpy(found["logits"][:, 31:]).softmax(1).numpy() == pytest.approx(found["domain"], abs=1e-6)


@pytest.mark.fault(29)
def test_items_whose_names_are_no_utf_8_are_listed_in_the_file(form: str, home: Path, tmp_path: Path) -> None:
    run, path = Command(home), tmp_path / f"small.{form}"
    things = lay_out(tmp_path / "things", "shop/cup\udcff", "shop/v\u00e9lo", pictures=4)
    model = run.json(*OWN, "--data", things)["model"]
    run.json("models", "export", model, path)
    assert json.dumps(["cup\udcff", "v\u00e9lo"]).encode() in path.read_bytes()
