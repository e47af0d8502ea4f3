"""`--class-weights`: what is said, stored, repeated and resumed, on a shop whose items have 10, 4 and 1 photographs."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import SIGNAL_AFTER, Command, assert_error

RARE = "warning: few labelled photographs of 2 items: bike (1), pen (4), beside 10 of mug; --class-weights balanced"
SINGLE = "shop: items with a single labelled photograph are trained on and not held out: bike"


@pytest.fixture(scope="module")
def shop(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("uneven") / "things"
    for name, item, count in (("mug", "mug", 10), ("[red] pen", "pen", 4), ("vélo", "bike", 1)):
        for domain in ("shop", "phone"):
            (root / domain / item).mkdir(parents=True)
            for picture in sorted((own_folder / domain / name).iterdir())[:count]:
                shutil.copy(picture, root / domain / item)
    return root


@pytest.fixture(scope="module")
def words(shop: Path) -> tuple[str | Path, ...]:
    start = ("pretrain", "--domain", "shop", "--backbone", "convnet", "--data", shop)
    return (*start, "--epochs", "2", "--batch-size", "4")


@pytest.fixture(scope="module")
def command(words: tuple[str | Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Command:
    """With a model `none`, trained without class weights, and one of each kind, called as it is."""
    command = Command(tmp_path_factory.mktemp("home"))
    for kind in ("none", "balanced", "sampler"):
        code, _, err = command(*words, "--class-weights", kind, "--name", kind)
        assert code == 0, err
        lines = err.splitlines()
        assert SINGLE in lines
        assert any(line.startswith(RARE) for line in lines) == (kind == "none")
    return command


def card(command: Command, name: str) -> dict[str, Any]:
    found: dict[str, Any] = command.json("models", "show", name)["card"]
    return found


def test_none_is_the_default_and_each_kind_trains_another_network(
    command: Command, words: tuple[str | Path, ...]
) -> None:
    plain = command.json(*words, "--name", "plain")
    stored = {name: command.weights({"id": plain_id(command, name)}) for name in ("none", "balanced", "sampler")}
    assert command.weights(plain) == stored["none"]
    assert len(set(stored.values())) == 3
    assert "class_weights" not in card(command, "none")["configuration"]


def plain_id(command: Command, name: str) -> str:
    return str(command.json("models", "show", name)["id"])


def test_the_kind_is_stored_shown_and_repeated(command: Command, words: tuple[str | Path, ...], tmp_path: Path) -> None:
    configuration = card(command, "sampler")["configuration"]
    assert configuration["class_weights"] == configuration["options"]["resolved"]["class_weights"] == "sampler"
    assert "sampler: each is drawn equally often" in command("models", "show", "sampler").out
    told = command.json("report", "balanced", "--split", "phone:all", "--embedding", "pca", "-o", tmp_path / "a.html")
    assert "--class-weights balanced" in told["commands"][-1]


def test_an_interrupted_run_is_resumed_to_the_same_bits_and_one_of_another_kind_is_another(
    command: Command, words: tuple[str | Path, ...]
) -> None:
    apart = Command(command.home.parent / "apart")
    sampled = (*words, "--class-weights", "sampler")
    assert apart(*sampled, prelude=SIGNAL_AFTER.format(epoch=1, name="SIGTERM")).code == 143
    done = apart(*words, "--class-weights", "balanced", "--resume")
    assert done.code == 2
    assert "request.class_weights was sampler and is balanced now" in done.err
    resumed = apart.json(*sampled, "--resume")
    assert resumed["class_weights"] == "sampler"
    assert apart.weights(resumed) == command.weights({"id": plain_id(command, "sampler")})


def test_a_fine_tuning_takes_it_beside_the_source_and_warns_where_all_labels_are_taken(command: Command) -> None:
    tune = ("finetune", "--target", "phone", "--model", "none", "--epochs", "1", "--with-source")
    found = {}
    for kind in ("none", "balanced", "sampler"):
        more = ("--strategy", "mcc", "--label-smoothing", "0.1", "--held-out", "0.4", "--class-weights", kind, "--json")
        done = command(*tune, *more, "--name", f"tuned-{kind}")
        assert done.code == 0, done.err
        assert ("few labelled photographs of 1 item: bike (2)" in done.err) == (kind == "none")
        assert "phone: items with a single labelled photograph are trained on and not held out: bike" in done.err
        found[kind] = command.weights({"id": plain_id(command, f"tuned-{kind}")})
    assert len(set(found.values())) == 3
    few = command(*tune, "--labels", "1")
    assert few.code == 0
    assert "few labelled photographs" not in few.err


def test_another_kind_is_refused(command: Command, words: tuple[str | Path, ...]) -> None:
    assert_error(command(*words, "--class-weights", "balance"), 2, "--class-weights balance", "did you mean balanced?")
