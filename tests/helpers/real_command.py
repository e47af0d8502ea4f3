import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

LONG_NAME = "a-name-that-is-longer-than-any-column-of-a-terminal-would-be-and-must-not-be-cut"

OWN = ("pretrain", "--domain", "shop", "--backbone", "convnet", "--epochs", "3", "--batch-size", "8")
"""Trains on `own_folder`, given as `--data`, in a moment."""

SIGNAL_AFTER = """
import os, signal
from office31_cli.engine.checkpoints import Checkpoints
save = Checkpoints.save
def save_and_stop(self, history, state):
    save(self, history, state)
    if len(history) == {epoch}:
        os.kill(os.getpid(), signal.{name})
Checkpoints.save = save_and_stop
"""
"""A prelude: the signal `name` comes when the checkpoint of an `epoch` is kept."""


TRAINED = {
    "model", "id", "parent", "command", "domains", "backbone", "weights", "train", "outputs",
    "photographs", "epochs", "seconds", "validation", "labels_used",
}  # fmt: skip
EVALUATED = {
    "model", "id", "split", "photographs", "accuracy", "ci95", "macro_accuracy", "ece",
    "outputs", "per_item", "labels_used",
}  # fmt: skip
LISTED = {"model", "id", "command", "parent", "domains", "backbone", "accuracy", "created", "bytes"}
"""The keys of `--json` that every command which trains has."""


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

    def seen(self, *words: str | Path, columns: int = 80, **env: str) -> str:
        """What it shows on stdout in a terminal of so many columns."""
        controller, terminal = os.openpty()
        shown: list[bytes] = []
        reader = Thread(target=lambda: shown.extend(iter(partial(_read, controller), b"")))
        reader.start()
        code, _, err = self(*words, stdout=terminal, env={"TERM": "xterm-256color", "COLUMNS": str(columns)} | env)
        os.close(terminal)
        reader.join()
        os.close(controller)
        assert code == 0, err
        return b"".join(shown).decode().replace("\r\n", "\n")

    def weights(self, model: dict[str, Any]) -> bytes:
        """The stored weights' bytes."""
        return (self.home / "registry" / "models" / model["id"] / "model.safetensors").read_bytes()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # nobody writes to it any more
        return b""


def assert_error(done: Done, code: int, *holds: str) -> None:
    """One line on stderr, `error: what: why; what to do`, which holds all that is given."""
    assert done.code == code, done.err
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert done.err.endswith("\n")
    assert "; " in done.err
    for text in holds:
        assert text in done.err
