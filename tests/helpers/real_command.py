"""The real command, run in a process of its own: what it prints, how it ends and what it leaves in its home."""

import json
import os
import subprocess
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Literal, NamedTuple

from tests.helpers import command_client

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


Process = Literal["slow", "light", "fresh"]
"""What a command starts from: a process that has imported torch, one that has not, or a fresh interpreter.

The first two are children of `command_server`, and differ from a fresh interpreter in what is said there.
"""

SLOW = {
    "pretrain", "finetune", "adapt", "evaluate", "predict", "report", "figures", "benchmark", "tune", "compare",
    "doctor", "export", "import",
}  # fmt: skip
"""Commands that compute, or begin with what does, such as `models export`."""


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Command:
    """The real command in a process of its own, with `home` for its state."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: str | Path, prelude: str = "", process: Process | None = None, **settings: Any) -> Done:
        """Run it with `words`; `prelude` is Python to run first, `settings` go to `subprocess.run`.

        `process` says what it starts from; without it that is decided by `words`.
        """
        line = list(map(str, words))
        start = process or ("slow" if SLOW & {*line[:2]} and "--help" not in line else "light")
        code = f"{prelude}\nfrom office31_cli.cli.main import main\nmain()" if prelude else ""
        environment = self.environment | settings.pop("env", {})
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings
        done = command_client.run(line, environment, code=code, slow=start == "slow", fresh=start == "fresh", **streams)
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def environment(self) -> dict[str, str]:
        unwanted = ("OFFICE31_", "NO_COLOR", "XDG_", "PYTHONUNBUFFERED")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        return kept | {"OFFICE31_HOME": str(self.home)}

    def json(self, *words: str | Path, prelude: str = "") -> Any:
        """What it prints with `--json`, and that is all that it prints to stdout."""
        code, out, err = self(*words, "--json", prelude=prelude)
        assert code == 0, err
        return json.loads(out)

    def seen(self, *words: str | Path, columns: int = 80, stream: str = "stdout", code: int = 0, **env: str) -> str:
        """What it shows in a terminal of so many columns on `stdout` or `stderr`; it has to end with the `code`."""
        controller, terminal = os.openpty()
        shown: list[bytes] = []
        reader = Thread(target=lambda: shown.extend(iter(partial(_read, controller), b"")))
        reader.start()
        settings: dict[str, Any] = {stream: terminal}
        done = self(*words, **settings, env={"TERM": "xterm-256color", "COLUMNS": str(columns)} | env)
        os.close(terminal)
        reader.join()
        os.close(controller)
        assert done.code == code, done.err
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
