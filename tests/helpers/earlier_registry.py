"""A registry of an earlier version: how it was filled, and what is asked of it then and now.

`OFFICE31_HOME=... PYTHONPATH=... python tests/helpers/earlier_registry.py FOLDER`, with the path of a checkout of that
version, writes FOLDER/registry.tar.xz and FOLDER/expected.json.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

FLOAT32 = "from office31_cli.engine import device; device._cpu_has_bfloat16 = lambda: False"
"""A prelude: figures in single precision differ between processors in their last digits only."""

_ON_A_CPU = ("--device", "cpu", "--data", "sample", "--seed", "0")
_HOW = ("--optimizer", "nesterov", "--lr", "0.03", "--batch-size", "64", *_ON_A_CPU)
_HEAD = ("--model", "pretrained", "--train", "head", "--epochs", "2", *_HOW)
_PRETRAIN = ("pretrain", "--domain", "amazon", "--backbone", "convnet", "--weights", "none", "--train", "all")
_FINETUNE = ("finetune", "--target", "dslr", "--strategy", "full", "--labels", "3", "--held-out", "0.2", *_HEAD)
_ADAPT = ("adapt", "--target", "webcam", "--method", "mcc", "--steps", "5", "--held-out", "0", *_HEAD)

STORED = {
    "pretrained": (*_PRETRAIN, "--epochs", "6", "--held-out", "0.2", *_HOW),
    "finetuned": (*_FINETUNE, "--with-source", "--outputs", "item+domain"),
    "adapted": _ADAPT,
}
"""The registry's models by name, each with the command that made it."""

AGAIN = {"finetuned": STORED["finetuned"], "adapted": STORED["adapted"]}
"""What is trained once more from the model `pretrained` that the registry holds."""

_PICTURES = tuple(f"data/sample/{each}" for each in ("webcam/mug", "dslr/bike", "amazon/phone"))
_SPLITS = {"pretrained": ("amazon", "webcam"), "finetuned": ("dslr", "dslr:all"), "adapted": ("webcam",)}

ASKED: dict[str, tuple[str, ...]] = {
    "models list": ("models", "list"),
    "models tree": ("models", "tree"),
    "models verify": ("models", "verify"),
    **{f"models show {name}": ("models", "show", name) for name in STORED},
    **{
        f"evaluate {name} {split}": ("evaluate", "--split", split, "--model", name, "--coverage", "0.9")
        for name, splits in _SPLITS.items()
        for split in splits
    },
    **{f"predict {name}": ("predict", *_PICTURES, "--model", name, "--coverage", "0.9") for name in STORED},
}
"""Questions that store nothing, asked with the home as the working folder."""


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def weights(home: Path, model: str) -> Path:
    """The file of the weights of a model, given by its id."""
    return home / "registry" / "models" / model / "model.safetensors"


def machine() -> dict[str, str]:
    """What the last digits of a figure depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    kept = {line.partition("\t")[0]: line.partition(": ")[2] for line in lines}
    processor = {name: kept.get(name, "") for name in ("vendor_id", "cpu family", "model", "flags")}
    return {"machine": platform.machine(), "torch": version("torch"), **processor}


def _write(folder: Path, home: Path) -> None:
    def ask(*words: str) -> Any:
        line = [sys.executable, "-c", f"{FLOAT32}\nfrom office31_cli.cli.main import main\nmain()", *words, "--json"]
        return json.loads(subprocess.run(line, cwd=home, check=True, stdout=subprocess.PIPE).stdout)

    home.mkdir(parents=True)
    ask("download", "--sample")
    trained = {name: ask(*line, "--name", name) for name, line in STORED.items()}
    answers = {name: ask(*line) for name, line in ASKED.items()}
    answers |= {f"{line[0]} {name}": trained[name] for name, line in AGAIN.items()}
    stored = {name: digest(weights(home, model["id"])) for name, model in trained.items()}
    lines = [f"  {json.dumps(name)}: {json.dumps(each, allow_nan=False)}" for name, each in answers.items()]
    told = {"version": version("office31-cli"), "machine": machine(), "weights": stored}
    head = "".join(f" {json.dumps(name)}: {json.dumps(each)},\n" for name, each in told.items())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "expected.json").write_text(f'{{\n{head} "answers": {{\n' + ",\n".join(lines) + "\n }\n}\n")
    with tarfile.open(folder / "registry.tar.xz", "w:xz", preset=9) as archive:
        archive.add(home / "registry", "registry")


if __name__ == "__main__":
    _write(Path(sys.argv[1]), Path(os.environ["OFFICE31_HOME"]))
