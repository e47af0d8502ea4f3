"""The report and its figures through the real command: what is said, written and refused, and a model made again."""

import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from office31_cli.recipes.report.figures import KINDS
from tests.helpers.read_page import Read
from tests.helpers.real_command import Command, assert_error

QUICK = ("--epochs", "2", "--batch-size", "8")
NO_TORCH = "import sys\nsys.modules['torch'] = None"


@pytest.fixture(scope="module")
def command(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """With a model of shop, and below it one adapted to phone and one fine-tuned on it."""
    made = Command(tmp_path_factory.mktemp("home"))
    starting = ("pretrain", "--domain", "shop", "--backbone", "convnet", "--data", own_folder, "--name", "base")
    made.json(*starting, "--optimizer", "adamw", *QUICK)
    adapting = ("--method", "mcc", "--steps", "4", "--seed", "3", "--set", "temperature=2", "--name", "to-phone")
    made.json("adapt", "--model", "base", "--target", "phone", *adapting, *QUICK)
    few = ("--labels", "2", "--with-source", "--strategy", "l2-sp", "--set", "alpha=0.1", "--label-smoothing", "0.1")
    made.json("finetune", "--model", "base", "--target", "phone", "--name", "tuned", *few, *QUICK)
    return made


@pytest.fixture(scope="module")
def told(command: Command, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was said of the adapted model's page."""
    result: dict[str, Any] = command.json("report", "to-phone", "-o", tmp_path_factory.mktemp("page") / "page.html")
    return result


def test_what_is_said_is_what_evaluate_says(command: Command, told: dict[str, Any]) -> None:
    scored = command.json("evaluate", "--split", "phone", "--model", "to-phone")
    for key in ("model", "id", "split", "photographs", "accuracy", "ci95", "labels_used"):
        assert told[key] == scored[key]
    assert (told["other"]["model"], told["other"]["seen"]) == ("base", 0)


def test_the_page_lies_where_it_is_said_to(told: dict[str, Any]) -> None:
    (file,) = told["files"]
    content = Path(file["path"]).read_bytes()
    assert len(content) == file["bytes"] < 1_500_000
    assert f"{100 * told['accuracy']:.1f}\xa0%" in Read(content).text


def test_its_commands_make_the_same_models_again(command: Command, told: dict[str, Any], tmp_path: Path) -> None:
    tuned = command.json("report", "tuned", "--embedding", "pca", "-o", tmp_path / "page.html")
    again = Command(tmp_path / "home")
    assert told["commands"][0] == tuned["commands"][0]
    for line in (*told["commands"], tuned["commands"][1]):
        assert again(*shlex.split(line)[1:]).code == 0
    for model in (told, tuned):
        assert again.weights(again.json("models", "show", model["model"])) == command.weights(model)


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ("report tunde -o {out}/page.html", "did you mean tuned?"),
        ("report tuned --model tuned -o {out}/page.html", "leave one of them out"),
        ("report tuned --compare tuned -o {out}/page.html", "it is the same model"),
        ("report tuned --compare nope -o {out}/page.html", "model nope"),
        ("report tuned --split phone:tset -o {out}/page.html", "did you mean test?"),
        ("report tuned --split pohne -o {out}/page.html", "did you mean phone?"),
        ("report tuned --embedding tnse -o {out}/page.html", "did you mean tsne?"),
        ("report tuned -o {out}/none/page.html", "its folder is not there"),
        ("report tuned -o {out}/taken.html", "use --overwrite"),
        ("figures tuned --out {out}/none/figures", "its folder is not there"),
        ("figures tuned --out {out}", "use --overwrite"),
    ],
)
def test_what_cannot_be_is_told_before_torch(command: Command, tmp_path: Path, words: str, holds: str) -> None:
    for name in ("taken.html", "confusion.svg"):
        (tmp_path / name).write_text("mine")
    assert_error(command(*words.format(out=tmp_path).split(), prelude=NO_TORCH, process="light"), 2, holds)
    assert (tmp_path / "taken.html").read_text() == "mine"


def test_figures_are_written_and_listed_the_same_each_time(command: Command, tmp_path: Path) -> None:
    words = ("figures", "to-phone", "--out", tmp_path / "figures")
    names = ("curves", "items", "confusion", "embedding", "reliability")
    wanted = [str(tmp_path / "figures" / f"{name}.{kind}") for name in names for kind in KINDS]
    assert [file["path"] for file in command.json(*words)["files"]] == wanted
    drawn = {path: Path(path).read_bytes() for path in wanted}
    for path, content in drawn.items():
        assert content.startswith(b"\x89PNG" if path.endswith("png") else b"<?xml")
        if path.endswith("svg"):
            assert not re.search(rb"<dc:date>|<script|<image", content)
            ElementTree.fromstring(content)
    code, out, _ = command(*words, "--overwrite")
    assert code == 0
    assert all(Path(path).name in out for path in wanted)
    assert {path: Path(path).read_bytes() for path in wanted} == drawn


def test_without_matplotlib_one_line_says_what_to_install(command: Command, tmp_path: Path) -> None:
    done = command("figures", "--out", tmp_path / "figures", prelude="import sys\nsys.modules['matplotlib'] = None")
    assert_error(done, 1, "matplotlib is not installed", "pip install 'office31-cli[plots]'")
