"""A domain whose pictures lie in no item folders is refused, at once, wherever labels are learnt from or scored."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import Command, assert_error

NO_TORCH = "import sys\nsys.modules['torch'] = None"
"""Whoever imports it then fails."""

REFUSED = (
    "pretrain --domain heap",
    "pretrain --domain shop --domain heap",
    "pretrain --domain all --domain heap",
    "finetune --target heap",
    "evaluate --split heap",
    "evaluate --split heap:train",
)


@pytest.fixture(scope="module")
def mixed(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own pictures, with a domain `heap` of pictures that nobody has sorted."""
    root = shutil.copytree(own_folder, tmp_path_factory.mktemp("mixed") / "things")
    shutil.copytree(root / "phone" / "mug", root / "heap")
    return root


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def trained(command: Command, mixed: Path) -> dict[str, Any]:
    """What was said of a model that was trained on all of `mixed`."""
    words = ("pretrain", "--domain", "all", "--backbone", "convnet", "--epochs", "1", "--batch-size", "8")
    result: dict[str, Any] = command.json(*words, "--data", mixed)
    return result


def test_all_domains_are_those_with_labels(trained: dict[str, Any]) -> None:
    assert trained["model"] == "all-convnet"
    assert trained["domains"] == ["phone", "shop"]


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("line", REFUSED)
def test_where_labels_are_needed_it_is_refused_before_torch(command: Command, mixed: Path, line: str) -> None:
    done = command(*line.split(), "--data", mixed, prelude=NO_TORCH, process="light")
    assert_error(done, 2, "domain heap: none of its pictures has a label", "office31 adapt")


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("line", ["finetune --target heap", "evaluate --split heap"])
def test_the_models_own_data_set_is_looked_at_too(command: Command, line: str) -> None:
    assert_error(
        command(*line.split(), prelude=NO_TORCH, process="light"), 2, "domain heap: none of its pictures has a label"
    )


def test_the_other_domains_work_as_ever(command: Command, trained: dict[str, Any]) -> None:
    scored = command.json("evaluate", "--split", "phone:all", "--model", trained["model"])
    assert (scored["split"], scored["photographs"]) == ("phone:all", 30)


def test_one_domain_must_have_labels(run: Command, mixed: Path, tmp_path: Path) -> None:
    shutil.copytree(mixed / "heap", tmp_path / "heaps" / "one")
    done = run("pretrain", "--domain", "one", "--data", tmp_path / "heaps")
    assert_error(done, 1, "one/ holds pictures but no item folders", "with a folder for each item")
