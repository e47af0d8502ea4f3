import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.make_once import make_once
from tests.helpers.real_command import LONG_NAME, OWN, Command


@pytest.fixture
def run(home: Path) -> Command:
    """The command with an empty home."""
    return Command(home)


@pytest.fixture(scope="session")
def first_run(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home that holds the drawn sample and one model, and what `pretrain --json` said of it; only ever copied."""

    def make(folder: Path) -> None:
        home = shutil.copytree(sample_home, folder / "home", symlinks=True)
        said = Command(home).json("pretrain", "--domain", "amazon", "--epochs", "3")
        (folder / "said.json").write_text(json.dumps(said))

    folder = make_once(tmp_path_factory, "first", make)
    return folder / "home", json.loads((folder / "said.json").read_bytes())


@pytest.fixture(scope="module")
def drawn(first_run: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command with a home that holds the drawn sample and the model `pretrained`, for the tests of one file.

    What is stored there decides which model is the newest, so no other file's tests may store theirs beside it.
    """
    home, _ = first_run
    return Command(shutil.copytree(home, tmp_path_factory.mktemp("drawn") / "home", symlinks=True))


@pytest.fixture(scope="session")
def pretrained(first_run: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    """What `pretrain --json` said of a model that was trained on the sample's amazon for three epochs."""
    return first_run[1]


@pytest.fixture(scope="session")
def own_folder(first_run: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own pictures: two domains of three items with ten pictures each, under names of their own."""
    root = tmp_path_factory.mktemp("own") / "things"
    names = {"mug": "mug", "pen": "[red] pen", "bike": "vélo"}
    for domain, camera in (("amazon", "shop"), ("webcam", "phone")):
        for item, name in names.items():
            (root / camera / name).mkdir(parents=True)
            pictures = sorted((first_run[0] / "data" / "sample" / domain / item).iterdir())[:10]
            for picture in pictures:
                shutil.copy(picture, root / camera / name)
    return root


@pytest.fixture(scope="session")
def stall(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Domains whose items differ: a catalogue with all of them, a floor that shows some of them and other things.

    `shop` has three items; `floor` two of them, one more that the shop lacks, and four pictures without a label.
    """
    root = tmp_path_factory.mktemp("stall") / "things"
    names = {"bike": "vélo", "mug": "mug", "pen": "[red] pen"}
    for name, folder in names.items():
        shutil.copytree(own_folder / "shop" / folder, root / "shop" / name)
    for name, shown in (("mug", "mug"), ("pen", "pen"), ("bike", "trolley")):
        shutil.copytree(own_folder / "phone" / names[name], root / "floor" / shown)
    for number, picture in enumerate(sorted((root / "floor" / "mug").iterdir())[:4]):
        picture.rename(root / "floor" / f"loose {number}{picture.suffix}")
    return root


@pytest.fixture(scope="module")
def owned(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Command, dict[str, Any]]:
    """The command with a home of its own, and what it said of a model that was trained on `own_folder`."""
    command = Command(tmp_path_factory.mktemp("owned"))
    return command, command.json(*OWN, "--data", own_folder, "--name", LONG_NAME)
