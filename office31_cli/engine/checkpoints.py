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
from office31_cli.errors import Failed
from office31_cli.keys import run_key
from office31_cli.models.state_dict import misfits
from office31_cli.observer import SILENT, Observer
from office31_cli.registry import strict_json
from office31_cli.text import join_names, printable

History = list[dict[str, float]]

_KEPT = 2
_LARGEST_JSON = 1 << 26

_DAMAGE = (OSError, ValueError, KeyError, SafetensorError)
"""What reading a checkpoint raises that is not whole."""


@dataclass(frozen=True)
class TrainingState:
    """What changes while a training runs: the network with all that learns beside it, and how it is minimised."""

    module: nn.Module
    optimizer: Optimizer
    scaler: GradScaler


@dataclass(frozen=True)
class OtherRun:
    """The newest whole checkpoint of another run: what decides that run's result, and where it stands."""

    run: dict[str, Any]
    epoch: int
    folder: Path


@dataclass
class Checkpoints:
    """The checkpoints of one run; runs are told apart by everything that decides their result."""

    run: dict[str, Any]
    observer: Observer = SILENT
    origin: Path | None = None
    """The checkpoint of another run to go on from until there is one of this run; it is left as it is."""
    key: str = field(init=False)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.key = run_key(**self.run)
        self.folder = paths.runs() / self.key

    def for_part(self, name: str) -> "Checkpoints":
        """Those of a training that is a part of the run; they are forgotten with it."""
        part = Checkpoints({**self.run, "part": name}, self.observer)
        part.folder = self.folder / f"part-{part.key}"
        return part

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from working on the same run; raises `Failed` naming the one that does."""
        lock = self.folder.with_suffix(".lock")
        with storage.hold_lock(lock, timeout=0):
            try:
                yield
            finally:  # while it is still held, so that no other process's lock is taken away
                lock.unlink(missing_ok=True)

    def save(self, history: History, state: TrainingState) -> None:
        """Keep the state after the epoch that ended last; `history` has one entry an epoch."""
        tensors = {  # copies: a weight with two names is one tensor, which safetensors would refuse
            f"module.{name}": value.clone(memory_format=torch.contiguous_format)
            for name, value in state.module.state_dict().items()
        }
        moments, groups = _flatten_optimizer(state.optimizer)
        content = save({**tensors, **moments})
        about = {"history": history, "groups": groups, "scaler": state.scaler.state_dict(), "run": self.run}
        sealed = strict_json.canonical({"sha256": _checksum(about, content), **about})
        staging = storage.make_folder(self.folder / f"tmp-{uuid.uuid4().hex}")
        storage.create_file(staging / "state.safetensors", content)
        storage.create_file(staging / "state.json", sealed)
        storage.sync_file(staging)
        target = self._epoch(len(history))
        storage.remove_folder(target)
        storage.replace(staging, target)
        for old in self._all()[:-_KEPT]:
            storage.remove_folder(old)

    def restore(self, state: TrainingState) -> History:
        """Bring a training back to the newest whole checkpoint, else to `origin`; returns its history, else [].

        Raises `Failed` where `origin` cannot be read, or its tensors do not fit; then nothing has changed.
        """
        for folder in reversed(self._all()):
            try:
                about, tensors = _read(folder)
            except _DAMAGE as error:
                self.observer.warn(f"checkpoint {folder} is damaged ({error}) and passed over")
                continue
            return _load_state(state, about, tensors, about["groups"])
        return [] if self.origin is None else _load_from_other_run(state, self.origin)

    def clear(self) -> None:
        """Forget the run: its model is stored."""
        storage.remove_folder(self.folder)

    def exist(self) -> bool:
        """Whether there is anything to go on from, whole or not."""
        return bool(self._all())

    def other_runs(self) -> Iterator[OtherRun]:
        """Each other run of which a whole checkpoint is kept."""
        for folder in sorted(self.folder.parent.glob("*/")):
            for epoch in () if folder == self.folder else reversed(_list_epochs(folder)):
                with contextlib.suppress(*_DAMAGE):
                    about, _ = _read(epoch)
                    yield OtherRun(about["run"], len(about["history"]), epoch)
                    break

    def _epoch(self, number: int) -> Path:
        return self.folder / f"{number:06d}"

    def _all(self) -> list[Path]:
        return _list_epochs(self.folder)


class ReadOnlyCheckpoints(Checkpoints):
    """Those that another process keeps: this one goes on from them, and leaves them as they are."""

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """The other process holds them."""
        yield

    def save(self, history: History, state: TrainingState) -> None:
        """The other process does."""

    def clear(self) -> None:
        """The other process does."""


def _list_epochs(folder: Path) -> list[Path]:
    """A run's checkpoints, the newest last."""
    return sorted(folder.glob("[0-9]*")) if folder.is_dir() else []


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    about = strict_json.parse((folder / "state.json").read_bytes(), _LARGEST_JSON)
    content = (folder / "state.safetensors").read_bytes()
    if about.pop("sha256") != _checksum(about, content):
        raise ValueError("its hash differs")
    return about, load(content)


def _load_state(
    state: TrainingState, about: dict[str, Any], tensors: dict[str, Tensor], groups: list[dict[str, Any]]
) -> History:
    state.module.load_state_dict(_module_tensors(tensors))
    _load_optimizer(state.optimizer, tensors, groups)
    if about["scaler"]:  # nothing where it was off
        state.scaler.load_state_dict(about["scaler"])
    history: History = about["history"]
    return history


def _load_from_other_run(state: TrainingState, origin: Path) -> History:
    """As `_brought_back`, from what another configuration has left: rates and decay stay those that are asked for."""
    what = "--force"
    try:
        about, tensors = _read(origin)
    except _DAMAGE as error:
        why = f"the checkpoint to go on from cannot be read any more ({printable(str(error))})"
        raise Failed(what, why, "run the same command again") from None
    faults = misfits(state.module.state_dict(), _module_tensors(tensors))
    if not faults and not _optimizer_fits(state.optimizer, tensors, about["groups"]):
        faults = ["its optimizer is of another kind, or has other groups of weights"]
    if faults:
        why = f"the checkpoint of the run that differs does not fit: {printable(join_names(faults, 3))}"
        raise Failed(what, why, "repeat its settings, or leave --resume and --force out to begin anew")
    return _load_state(state, about, tensors, state.optimizer.state_dict()["param_groups"])


def _module_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix("module."): value for key, value in tensors.items() if key.startswith("module.")}


def _optimizer_fits(optimizer: Optimizer, tensors: dict[str, Tensor], groups: list[dict[str, Any]]) -> bool:
    """Whether an optimizer with these groups has kept what this one does, of the same weights in the same order."""
    outlines = [[(len(group["params"]), sorted(group)) for group in each] for each in (groups, optimizer.param_groups)]
    if outlines[0] != outlines[1]:
        return False
    shapes = [value.shape for group in optimizer.param_groups for value in group["params"]]
    moments = ((key.split(".")[1], value) for key, value in tensors.items() if key.startswith("optimizer."))
    return all(value.dim() == 0 or value.shape == shapes[int(number)] for number, value in moments)


def _checksum(about: dict[str, Any], content: bytes) -> str:
    """The SHA-256 of all that a checkpoint holds."""
    total = hashlib.sha256(strict_json.canonical(about))
    total.update(content)
    return total.hexdigest()


def _flatten_optimizer(optimizer: Optimizer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    state = optimizer.state_dict()
    moments = {
        f"optimizer.{number}.{name}": torch.as_tensor(value).contiguous()
        for number, values in state["state"].items()
        for name, value in values.items()
        if value is not None
    }
    return moments, state["param_groups"]


def _load_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor], groups: list[dict[str, Any]]) -> None:
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
