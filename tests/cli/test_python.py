"""What the command line computes, the same function computes from Python: both have the same defaults."""

import json
from pathlib import Path
from typing import Any

import pytest

import office31_cli as office31
from office31_cli import Options
from office31_cli.recipes.tune import tune
from tests.helpers.real_command import Command

SMALL = {"epochs": 2, "batch_size": 8, "seed": 1}
TYPED = ("--epochs", "2", "--batch-size", "8", "--seed", "1")

BENCH = {"backbone": "convnet", "weights": "none"}
TYPED_BENCH = ("--backbone", "convnet", "--weights", "none", "--epochs", "2", "--batch-size", "8")

TIMES = {"seconds", "milliseconds_per_step", "milliseconds_in_optimizer", "claims"}


@pytest.fixture(scope="module")
def command(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """With a model of shop."""
    made = Command(tmp_path_factory.mktemp("home"))
    made.json("pretrain", "--domain", "shop", "--backbone", "convnet", "--data", own_folder, "--name", "base", *TYPED)
    return made


@pytest.fixture(autouse=True)
def home(command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFICE31_HOME", str(command.home))
    return command.home


def without_times(value: Any) -> Any:
    """What a run of the same does not measure anew."""
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def same(result: Any, printed: Any) -> bool:
    return bool(without_times(json.loads(json.dumps(result.to_json()))) == without_times(printed))


def test_pretrain(command: Command, own_folder: Path) -> None:
    result = office31.pretrain(["shop"], data=str(own_folder), backbone="convnet", options=Options(**SMALL))
    assert command.weights(result.to_json()) == command.weights(command.json("models", "show", "base"))
    assert result.held_out == 6


def test_finetune(command: Command) -> None:
    printed = command.json("finetune", "--target", "phone", "--model", "base", *TYPED)
    result = office31.finetune("phone", model="base", options=Options(**SMALL))
    assert command.weights(result.to_json()) == command.weights(printed)
    assert result.held_out == 6


@pytest.mark.parametrize("method", ["mcc", "shot"])
def test_adapt(command: Command, method: str) -> None:
    """Nothing of the source is held out, and a method without a source runs."""
    printed = command.json("adapt", "--target", "phone", "--model", "base", "--method", method, "--steps", "3", *TYPED)
    result = office31.adapt("phone", model="base", method=method, steps=3, options=Options(**SMALL))
    assert command.weights(result.to_json()) == command.weights(printed)
    assert (result.photographs, result.held_out) == (0 if method == "shot" else 30, 0)


def test_benchmark(own_folder: Path, command: Command) -> None:
    words = ("--methods", "erm,shot", "--seeds", "0", "--steps", "3", "--jobs", "1", "--data", own_folder)
    printed = command.json("benchmark", *words, *TYPED_BENCH)
    options = Options(epochs=2, batch_size=8)
    result = office31.benchmark(
        ["erm", "shot"], seeds=[0], steps=3, jobs=1, data=str(own_folder), options=options, **BENCH
    )
    assert same(result, printed)


@pytest.mark.parametrize("validator", ["im", "source"])
def test_tune(own_folder: Path, command: Command, validator: str) -> None:
    words = ("--method", "mcc", "--trials", "2", "--validator", validator, "--steps", "3", "--jobs", "1")
    printed = command.json("tune", *words, "--data", own_folder, *TYPED_BENCH)
    options = Options(epochs=2, batch_size=8)
    result = tune("mcc", trials=2, validator=validator, steps=3, jobs=1, data=str(own_folder), options=options, **BENCH)
    assert same(result, printed)


def test_compare_outputs(own_folder: Path, command: Command) -> None:
    words = ("--outputs", "item+domain", "--seeds", "0", "--data", own_folder)
    printed = command.json("compare", "outputs", *words, *TYPED_BENCH, "--train", "head")
    options = Options(epochs=2, batch_size=8, train="head")
    result = office31.compare_outputs(["item+domain"], seeds=[0], data=str(own_folder), options=options, **BENCH)
    assert (printed["held_out"], same(result, printed)) == (12, True)


def test_compare_optimizers(own_folder: Path, command: Command) -> None:
    words = (
        "--optimizers",
        "adam",
        "--lrs",
        "0.001",
        "--data",
        own_folder,
        "--backbone",
        "convnet",
        "--batch-size",
        "8",
    )
    printed = command.json("compare", "optimizers", *words)
    options = Options(batch_size=8)
    result = office31.compare_optimizers(
        ["adam"], rates=[0.001], data=str(own_folder), backbone="convnet", options=options
    )
    assert same(result, printed)


def test_compare_chapter(own_folder: Path, command: Command) -> None:
    printed = command.json("compare", "chapter", "--epochs", "1", "--data", own_folder, "--seed", "1")
    assert same(office31.compare_chapter(data=str(own_folder), epochs=1, options=Options(seed=1)), printed)


def test_compare_labels(command: Command) -> None:
    words = ("--target", "phone", "--model", "base", "--labels", "0,1", "--strategies", "linear", "--seeds", "0")
    printed = command.json("compare", "labels", *words, "--epochs", "2", "--batch-size", "8")
    options = Options(epochs=2, batch_size=8)
    result = office31.compare_labels(
        "phone", budgets=[0, 1], strategies=["linear"], seeds=[0], model="base", options=options
    )
    assert same(result, printed)


def test_paths_and_numbers_are_taken_as_they_are(command: Command, own_folder: Path, tmp_path: Path) -> None:
    assert office31.open_data(own_folder).root == own_folder
    listed = tmp_path / "labels.txt"
    listed.write_text("\n".join(str(path) for path in sorted((own_folder / "phone").rglob("*.jpg"))[::3]))
    quick = Options(epochs=1, batch_size=8, held_out=0.0, tensorboard=str(tmp_path / "runs"))
    result = office31.finetune("phone", model="base", data=own_folder, labels_from=str(listed), options=quick)
    assert (result.labels, (tmp_path / "runs").is_dir()) == ("listed", True)
    sharper = {"temperature": 2.0}
    head = Options(epochs=1, train="head")
    adapted = office31.adapt("phone", model="base", method="mcc", settings=sharper, steps=2, options=head)
    assert adapted.method == "mcc"
