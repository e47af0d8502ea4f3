"""Every kind of command in a fresh interpreter, which other tests spare: it does what a child of `command_server` does.

The hashes of strings have another seed there, so this also shows that no figure depends on the order of a set.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import office31_cli
from tests.helpers.real_command import LONG_NAME, Command, Done, Process

LINES = (
    "download --sample",
    "pretrain --domain shop --backbone convnet --epochs 1",
    "finetune --target phone --labels 2 --epochs 1",
    "adapt --target phone --method mcc --steps 2 --epochs 1",
    "evaluate --split phone",
    "predict things/phone/mug",
    f"report {LONG_NAME} --out report.html",
    "benchmark --backbone convnet --weights none --methods erm --steps 2 --epochs 1 --jobs 1",
    "tune --tasks S-P --method mcc --backbone convnet --weights none --trials 2 --steps 2 --epochs 1 --jobs 1",
    "compare outputs --backbone convnet --weights none --outputs item --seeds 0 --epochs 1",
    "doctor --source shop --target phone --backbone convnet",
    f"models export {LONG_NAME} model.pt2",
    "models list",
    "methods",
)

_WITHOUT_DATA = {"download", "predict", "report", "models", "methods"}

_OF_ONE_RUN = {
    "seconds", "id", "created", "bytes", "root", "path", "machine", "milliseconds_per_step", "features_per_second",
    "photographs_per_second",
}  # fmt: skip
"""The keys of what differs between two runs of the same command."""


def ask(home: Path, things: Path, line: str, process: Process) -> tuple[Any, list[bytes]]:
    """What it prints, and the weights that it stores beside those of the model that was there."""
    words = line.split()
    data = () if words[0] in _WITHOUT_DATA else ("--data", "things")
    (home.parent / "things").symlink_to(things)
    code, out, err = Command(home)(*words, *data, "--json", process=process, cwd=home.parent)
    assert code == 0, err
    models = sorted(home.glob("registry/models/*/model.safetensors"), key=lambda path: path.stat().st_mtime_ns)
    return lasting(json.loads(out)), [path.read_bytes() for path in models[1:]]


def lasting(found: Any) -> Any:
    """Without what differs from run to run."""
    if isinstance(found, dict):
        return {key: lasting(value) for key, value in found.items() if key not in _OF_ONE_RUN}
    return [lasting(each) for each in found] if isinstance(found, list) else found


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line.split()[:2]))
def test_a_fresh_interpreter_says_and_stores_the_same(
    owned: tuple[Command, dict[str, Any]], own_folder: Path, tmp_path: Path, line: str
) -> None:
    fresh, forked = (
        ask(Path(shutil.copytree(owned[0].home, tmp_path / name / "home")), own_folder, line, process)
        for name, process in (("one", "fresh"), ("two", None))
    )
    assert fresh == forked


@pytest.mark.parametrize("start", [["office31"], ["python", "-m", "office31_cli"]], ids=lambda words: words[0])
def test_the_installed_command_and_the_module_start(home: Path, start: list[str]) -> None:
    line = [str(Path(sys.executable).with_name(start[0])), *start[1:]]
    environment = Command(home).environment
    for words, code in ((["--version"], 0), (["pretrian"], 2)):
        done = subprocess.run([*line, *words], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code
    assert Done(0, f"{office31_cli.__version__}\n", "") == Command(home)("--version", process="fresh")
