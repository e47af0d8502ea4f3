import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

LONG_NAME = "a-name-that-is-longer-than-any-column-of-a-terminal-would-be-and-must-not-be-cut"

OWN = ("pretrain", "--domain", "shop", "--backbone", "convnet", "--epochs", "3", "--batch-size", "8")
"""Trains on `own_folder`, given as `--data`, in a moment."""


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Command:
    """The real command in a process of its own, with `home` for its state."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: str | Path, prelude: str = "", **settings: Any) -> Done:
        """Run it with `words`; `prelude` is Python to run first, `settings` go to `subprocess.run`."""
        start = (
            ["-c", f"{prelude}\nfrom office31_cli.cli.main import main\nmain()"] if prelude else ["-m", "office31_cli"]
        )
        settings["env"] = self.environment | settings.pop("env", {})
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        done = subprocess.run(
            [sys.executable, *start, *map(str, words)], text=True, timeout=300, check=False, **{**piped, **settings}
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def environment(self) -> dict[str, str]:
        unwanted = ("OFFICE31_", "NO_COLOR", "XDG_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        return kept | {"OFFICE31_HOME": str(self.home)}

    def json(self, *words: str | Path) -> Any:
        """What it prints with `--json`, and that is all that it prints to stdout."""
        code, out, err = self(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def weights(self, model: dict[str, Any]) -> bytes:
        """The stored weights' bytes."""
        return (self.home / "registry" / "models" / model["id"] / "model.safetensors").read_bytes()
