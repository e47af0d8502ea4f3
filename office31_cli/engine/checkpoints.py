"""What an interrupted training goes on from: the state after an epoch, in safetensors and JSON.

A checkpoint becomes visible by one rename. The last two are kept, so that a damaged one is not the end.
"""

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from office31_cli import paths, storage
from office31_cli.data.cache import content_key
from office31_cli.observer import SILENT, Observer
from office31_cli.registry import strict_json

History = list[dict[str, float]]

_KEPT = 2
_LARGEST_JSON = 1 << 26


@dataclass(frozen=True)
class State:
    """What changes while a training runs: the network with all that learns beside it, and how it is minimised."""

    module: nn.Module
    optimizer: Optimizer
    scaler: GradScaler


@dataclass
class Checkpoints:
    """The checkpoints of one run; runs are told apart by everything that decides their result."""

    run: dict[str, Any]
    observer: Observer = SILENT
    key: str = field(init=False)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.key = content_key(**self.run)
        self.folder = paths.runs() / self.key

    def of_part(self, name: str) -> "Checkpoints":
        """Those of a training that is a part of the run; they are forgotten with it."""
        part = Checkpoints({**self.run, "part": name}, self.observer)
        part.folder = self.folder / f"part-{part.key}"
        return part

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from working on the same run; raises `Failed` naming the one that does."""
        lock = self.folder.with_suffix(".lock")
        with storage.locked(lock, timeout=0):
            try:
                yield
            finally:  # while it is still held, so that no other process's lock is taken away
                lock.unlink(missing_ok=True)

    def save(self, history: History, state: State) -> None:
        """Keep the state after the epoch that ended last; `history` has one entry an epoch."""
        tensors = {  # copies: a weight with two names is one tensor, which safetensors would refuse
            f"module.{name}": value.clone(memory_format=torch.contiguous_format)
            for name, value in state.module.state_dict().items()
        }
        moments, groups = _taken_apart(state.optimizer)
        content = save({**tensors, **moments})
        about = {"history": history, "groups": groups, "scaler": state.scaler.state_dict(), "run": self.run}
        sealed = strict_json.canonical({"sha256": _seal(about, content), **about})
        staging = storage.make_folder(self.folder / f"tmp-{uuid.uuid4().hex}")
        storage.create_file(staging / "state.safetensors", content)
        storage.create_file(staging / "state.json", sealed)
        storage.sync_file(staging)
        target = self._epoch(len(history))
        storage.remove_folder(target)
        storage.replace(staging, target)
        for old in self._all()[:-_KEPT]:
            storage.remove_folder(old)

    def restore(self, state: State) -> History:
        """Bring a training back to the newest whole checkpoint; returns its history, else []."""
        for folder in reversed(self._all()):
            try:
                about, tensors = _read(folder)
            except (OSError, ValueError, KeyError, SafetensorError) as error:
                self.observer.warn(f"checkpoint {folder} is damaged ({error}) and passed over")
                continue
            state.module.load_state_dict(
                {key.removeprefix("module."): value for key, value in tensors.items() if key.startswith("module.")}
            )
            _put_together(state.optimizer, tensors, about["groups"])
            state.scaler.load_state_dict(about["scaler"])
            history: History = about["history"]
            return history
        return []

    def clear(self) -> None:
        """Forget the run: its model is stored."""
        storage.remove_folder(self.folder)

    def begun(self) -> bool:
        """Whether there is anything to go on from, whole or not."""
        return bool(self._all())

    def others(self) -> Iterator[dict[str, Any]]:
        """What decides the result of each other run of which a whole checkpoint is kept."""
        for folder in sorted(self.folder.parent.glob("*/")):
            for epoch in () if folder == self.folder else _epochs(folder)[-1:]:
                with contextlib.suppress(OSError, ValueError, KeyError, SafetensorError):
                    yield _read(epoch)[0]["run"]

    def _epoch(self, number: int) -> Path:
        return self.folder / f"{number:06d}"

    def _all(self) -> list[Path]:
        return _epochs(self.folder)


class Followed(Checkpoints):
    """Those that another process keeps: this one goes on from them, and leaves them as they are."""

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The other process holds them."""
        yield

    def save(self, history: History, state: State) -> None:
        """The other process does."""

    def clear(self) -> None:
        """The other process does."""


def _epochs(folder: Path) -> list[Path]:
    """A run's checkpoints, the newest last."""
    return sorted(folder.glob("[0-9]*")) if folder.is_dir() else []


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    about = strict_json.parse((folder / "state.json").read_bytes(), _LARGEST_JSON)
    content = (folder / "state.safetensors").read_bytes()
    if about.pop("sha256") != _seal(about, content):
        raise ValueError("its hash differs")
    return about, load(content)


def _seal(about: dict[str, Any], content: bytes) -> str:
    """The SHA-256 of all that a checkpoint holds."""
    total = hashlib.sha256(strict_json.canonical(about))
    total.update(content)
    return total.hexdigest()


def _taken_apart(optimizer: Optimizer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    state = optimizer.state_dict()
    moments = {
        f"optimizer.{number}.{name}": torch.as_tensor(value).contiguous()
        for number, values in state["state"].items()
        for name, value in values.items()
        if value is not None
    }
    return moments, state["param_groups"]


def _put_together(optimizer: Optimizer, tensors: dict[str, Tensor], groups: list[dict[str, Any]]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".", 2)
            state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if value.shape == parameter.shape:  # in the parameter's memory order, as if the run had never stopped
                values[name] = torch.empty_like(parameter).copy_(value)
