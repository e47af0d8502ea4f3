"""Methods and strategies of a package that pip has installed beside office31, by the real command."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_completion import QUIET, offers, question
from tests.helpers.other_packages import METHOD, STRATEGY, install_package
from tests.helpers.real_command import Command, Process

POINTS = {
    "office31.methods": {"gentle": "office31_gentle.method"},
    "office31.strategies": {"short": "office31_gentle.short"},
}
MODULES = {
    "office31_gentle/__init__.py": "",
    "office31_gentle/method.py": METHOD,
    "office31_gentle/short.py": STRATEGY,
}


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the package is installed."""
    folder = install_package(tmp_path_factory.mktemp("installed") / "packages", "office31-gentle", MODULES, POINTS)
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}


def test_they_are_listed_and_offered_without_waiting_for_torch(run: Command, beside: dict[str, str]) -> None:
    for kind, name, summary in (
        ("methods", "gentle", "make the target"),
        ("strategies", "short", "pull"),
    ):
        code, out, err = run(kind, prelude=QUIET, env=beside | {"COLUMNS": "200"})
        assert (code, err) == (0, "set()\n")
        assert f"{name} " in out
        assert summary in out
        assert "added by office31-gentle 1.0" in out
        assert name not in run(kind).out
    code, out, _ = run(env=beside | question("bash", "office31 adapt --method g"))
    assert (code, offers("bash", out)) == (0, {"gentle"})


def test_they_train(owned: tuple[Command, dict[str, Any]], own_folder: Path, beside: dict[str, str]) -> None:
    command, start = owned
    data = ("--data", own_folder, "--model", start["id"], "--target", "phone", "--epochs", "1", "--batch-size", "8")
    here = Command(command.home)
    adapted = run_json(here, beside, "adapt", *data, "--method", "gentle", "--steps", "2", "--set", "weight=0.2")
    assert (adapted["method"], adapted["epochs"]) == ("gentle", 1)
    tuned = run_json(here, beside, "finetune", *data, "--strategy", "short", "--labels", "2")
    assert (tuned["strategy"], tuned["epochs"]) == ("short", 1)
    for made, weight in ((adapted, 0.2), (tuned, 0.01)):
        stored = here.json("models", "show", made["id"])["card"]["configuration"]
        assert (stored["package"], stored["settings"]) == ("office31-gentle 1.0", {"weight": weight})


def run_json(command: Command, env: dict[str, str], *words: str | Path) -> dict[str, Any]:
    code, out, err = command(*words, "--json", env=env)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("adapt", "--target", "phone", "--method", "gentel"), "did you mean gentle?"),
        (("finetune", "--target", "phone", "--strategy", "shrot"), "did you mean short?"),
    ],
)
def test_a_misspelt_name_is_told_by_a_near_one(
    run: Command, beside: dict[str, str], words: tuple[str, ...], advice: str
) -> None:
    code, out, err = run(*words, env=beside)
    assert (code, out) == (2, "")
    assert err.endswith(f"{advice}\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("process", ["light", "fresh"])
def test_settings_of_theirs_are_checked(run: Command, beside: dict[str, str], process: Process) -> None:
    words = ("adapt", "--target", "phone", "--method", "gentle", "--set", "weight=7")
    code, _, err = run(*words, env=beside, process=process)
    assert (code, err) == (2, "error: --set weight=7: not in its range; use 0.01 to 1\n")
