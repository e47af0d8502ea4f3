"""A registry that an earlier version filled is listed, shown, scored, trained from and exported as that version did."""

import json
import math
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

from tests.helpers.earlier_registry import AGAIN, ASKED, FLOAT32, digest, machine, weights
from tests.helpers.real_command import Command

_FOLDER = Path(__file__).parent / "earlier"
_EXPECTED = json.loads((_FOLDER / "expected.json").read_text(encoding="utf-8"))
_ANSWERS: dict[str, Any] = _EXPECTED["answers"]
_SAME_MACHINE = _EXPECTED["machine"] == machine()

_OF_THE_RUN = {"model", "id", "seconds", "fitted_on"}
"""What a training that is done again may tell otherwise."""

_OF_SINGLE_PHOTOGRAPHS = {"confused", "per_item", "reliability"}
"""What changes visibly where one photograph changes sides, as rounding on another processor can make it do."""

_TRAINED = "heads.0.bottleneck.2.weight"
"""A tensor that every training from a stored model changes."""

_ROUNDING = 1e-9 if _SAME_MACHINE else 0.006
"""How far a figure may be off: on another processor two of 434 photographs."""


@pytest.fixture(scope="module")
def home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds the earlier version's registry and the drawn sample."""
    home = shutil.copytree(sample_home, tmp_path_factory.mktemp("earlier") / "home", symlinks=True)
    with tarfile.open(_FOLDER / "registry.tar.xz") as archive:
        archive.extractall(home, filter="data")
    return home


@pytest.fixture(scope="module")
def trained(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A copy of the home, and by name what the same trainings from the earlier version's models say there."""
    copy = shutil.copytree(home, tmp_path_factory.mktemp("trained") / "home")
    return copy, {name: ask(copy, *line, "--name", f"{name}-again") for name, line in AGAIN.items()}


def ask(home: Path, *words: str | Path) -> Any:
    """What the command prints with `--json` in single precision, run in `home`."""
    settings: dict[str, Any] = {"prelude": FLOAT32, "process": "slow", "env": {"OMP_NUM_THREADS": "1"}}
    code, out, err = Command(home)(*words, "--json", cwd=home, **settings)
    assert code == 0, err
    return json.loads(out)


def differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """Where an answer is not the expected one; it may have keys that the earlier version did not know."""
    match expected:
        case dict():
            for key, value in expected.items():
                if _SAME_MACHINE or key not in _OF_SINGLE_PHOTOGRAPHS:
                    yield from differences(value, found.get(key, "nothing"), f"{where}/{key}")
        case list() if isinstance(found, list) and len(found) == len(expected):
            for place, (one, other) in enumerate(zip(expected, found, strict=True)):
                yield from differences(one, other, f"{where}/{place}")
        case float() if isinstance(found, float | int):
            if not math.isclose(expected, found, rel_tol=0, abs_tol=_ROUNDING):
                yield f"{where}: {found}, and not {expected}"
        case _ if expected != found:
            yield f"{where}: {found!r}, and not {expected!r}"


@pytest.mark.parametrize("question", ASKED)
def test_it_answers_as_the_earlier_version_did(home: Path, question: str) -> None:
    assert list(differences(_ANSWERS[question], ask(home, *ASKED[question]))) == []


@pytest.mark.parametrize("name", AGAIN)
def test_training_from_its_models_gives_the_same_figures(trained: tuple[Path, dict[str, Any]], name: str) -> None:
    expected = _ANSWERS[f"{AGAIN[name][0]} {name}"]
    kept = {key: value for key, value in expected.items() if key not in _OF_THE_RUN}
    kept["calibration"] = {key: value for key, value in expected["calibration"].items() if key not in _OF_THE_RUN}
    assert list(differences(kept, trained[1][name])) == []


@pytest.mark.parametrize("name", AGAIN)
def test_training_from_its_models_gives_the_same_weights(trained: tuple[Path, dict[str, Any]], name: str) -> None:
    """The bits on the machine that they come from; elsewhere up to a hundredth of what the training changed."""
    home, models = trained
    start, earlier, now = (weights(home, each) for each in (_id("pretrained"), _id(name), models[name]["id"]))
    assert digest(earlier) == _EXPECTED["weights"][name]
    if _SAME_MACHINE:
        assert digest(now) == digest(earlier)
    before, theirs, ours = (load_file(path) for path in (start, earlier, now))
    assert ours.keys() == theirs.keys()
    changed = _distance(before[_TRAINED], theirs[_TRAINED])
    assert {key for key in theirs if _distance(ours[key], theirs[key]) > changed / 100} == set()


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).abs().max())


def _id(name: str) -> str:
    found: str = _ANSWERS[f"models show {name}"]["id"]
    return found


@pytest.mark.parametrize("name", [*AGAIN, "pretrained"])
def test_what_is_exported_is_the_model_with_every_bit(home: Path, tmp_path: Path, name: str) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    ask(home, "models", "export", name, tmp_path / "model.safetensors")
    brought = ask(elsewhere, "models", "import", tmp_path / "model.safetensors")
    assert brought["id"] == _id(name)
    assert digest(weights(elsewhere, brought["id"])) == _EXPECTED["weights"][name]
