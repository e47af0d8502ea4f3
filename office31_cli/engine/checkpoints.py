"""Checkpoints: the state of a training after an epoch, from which an interrupted one is resumed.

A checkpoint is a folder of two files, the tensors in safetensors and the rest in JSON, and becomes visible by one
rename. The last two of a run are kept, so that a damaged one is not the end.
"""

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from office31_cli import paths, storage
from office31_cli.engine.training_state import TrainingState
from office31_cli.errors import Failed
from office31_cli.keys import run_key
from office31_cli.observer import SILENT, Observer
from office31_cli.registry import strict_json
from office31_cli.text import join_names, printable

History = list[dict[str, float]]
"""One row an epoch; `office31_cli.history` says what the keys mean."""

_KEPT = 2
_LARGEST_JSON = 1 << 26

_DESCRIPTION, _TENSORS = "state.json", "state.safetensors"

_DAMAGE = (OSError, ValueError, KeyError, TypeError, SafetensorError)
"""What reading a damaged checkpoint raises."""


@dataclass(frozen=True)
class OtherRun:
    """Another run that was interrupted: what decides its result, its epochs so far, and its newest checkpoint."""

    run: dict[str, Any]
    epoch: int
    folder: Path


@dataclass
class Checkpoints:
    """The checkpoints of one run; `run` is everything that decides its result, and tells it from others."""

    run: dict[str, Any]
    observer: Observer = SILENT
    origin: Path | None = None
    """The checkpoint of another run to start from while this run has none; it is left as it is."""
    key: str = field(init=False)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.key = run_key(**self.run)
        self.folder = paths.runs() / self.key

    def for_part(self, name: str) -> "Checkpoints":
        """The checkpoints of a training that is a part of the run; `clear` removes them with the run's."""
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
        """Store the state after an epoch; `history` has a row for each epoch until then."""
        content = save(state.tensors())
        description = {"history": history, **state.values(), "run": self.run}
        sealed = strict_json.encode_canonical({"sha256": _checksum(description, content), **description})
        staging = storage.make_folder(self.folder / f"tmp-{uuid.uuid4().hex}")
        storage.create_file(staging / _TENSORS, content)
        storage.create_file(staging / _DESCRIPTION, sealed)
        storage.sync_file(staging)
        target = self.folder / f"{len(history):06d}"
        storage.remove_folder(target)
        storage.replace(staging, target)
        for old in _list_epochs(self.folder)[:-_KEPT]:
            storage.remove_folder(old)

    def restore(self, state: TrainingState) -> History:
        """Load the newest checkpoint that is whole and fits, else `origin`; returns its history, [] where none is.

        Raises `Failed` where `origin` cannot be read or does not fit; the state is unchanged then.
        """
        for folder in reversed(_list_epochs(self.folder)):
            try:
                description, tensors = _read(folder)
            except _DAMAGE as error:
                self.observer.warn(f"checkpoint {folder} is damaged ({error}) and passed over")
                continue
            if faults := state.module_misfits(tensors):  # another version of office31 wrote it
                told = f"checkpoint {folder} does not fit ({join_names(faults, 3)}) and is passed over"
                self.observer.warn(printable(told))
                continue
            state.load(tensors, description)
            history: History = description["history"]
            return history
        return [] if self.origin is None else _load_from_other_run(state, self.origin)

    def clear(self) -> None:
        """Remove the run's checkpoints, once its model is stored."""
        storage.remove_folder(self.folder)

    def exist(self) -> bool:
        """Whether the run has a checkpoint, whole or damaged."""
        return bool(_list_epochs(self.folder))

    def other_runs(self) -> Iterator[OtherRun]:
        """Every other run with a checkpoint, as the newest readable description says; reads no tensors."""
        for folder in sorted(self.folder.parent.glob("*/")):
            if folder != self.folder:
                yield from _newest(folder, whole=False)

    def find_whole(self, other: OtherRun) -> OtherRun | None:
        """The other run at its newest checkpoint that is whole, which is read to tell; None where none is."""
        return next(_newest(other.folder.parent, whole=True), None)


class ReadOnlyCheckpoints(Checkpoints):
    """The checkpoints of a run that another process stores: this one restores them, and writes nothing."""

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Nothing: the process that stores them holds the lock."""
        yield

    def save(self, history: History, state: TrainingState) -> None:
        """Nothing: the other process does."""

    def clear(self) -> None:
        """Nothing: the other process does."""


def _list_epochs(folder: Path) -> list[Path]:
    """A run's checkpoints, the newest last."""
    return sorted(folder.glob("[0-9]*")) if folder.is_dir() else []


def _newest(folder: Path, *, whole: bool) -> Iterator[OtherRun]:
    """A run at its newest checkpoint that is `whole`, or whose description alone is; nothing where none is."""
    for epoch in reversed(_list_epochs(folder)):
        with contextlib.suppress(*_DAMAGE):
            description = _read(epoch)[0] if whole else _read_description(epoch)
            run, history = description["run"], description["history"]
            if not (isinstance(run, dict) and isinstance(history, list)):
                raise TypeError("it is not the description of a checkpoint")
            yield OtherRun(run, len(history), epoch)
            return


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A checkpoint's description and tensors; raises one of `_DAMAGE` where they are not what was stored."""
    description = _read_description(folder)
    content = (folder / _TENSORS).read_bytes()
    if description.pop("sha256") != _checksum(description, content):
        raise ValueError("its hash differs")
    return description, load(content)


def _read_description(folder: Path) -> dict[str, Any]:
    return strict_json.parse((folder / _DESCRIPTION).read_bytes(), _LARGEST_JSON)


def _load_from_other_run(state: TrainingState, origin: Path) -> History:
    """Load what a run of other settings has left; learning rates and weight decay stay those of this run."""
    what = "--force"
    try:
        description, tensors = _read(origin)
    except _DAMAGE as error:
        why = f"the checkpoint to start from cannot be read any more ({printable(str(error))})"
        raise Failed(what, why, "run the same command again") from None
    if faults := state.misfits(tensors, description):
        why = f"the checkpoint of the run that differs does not fit: {printable(join_names(faults, 3))}"
        raise Failed(what, why, "repeat its settings, or leave --resume and --force out to begin anew")
    state.load(tensors, description, own_groups=True)
    history: History = description["history"]
    return history


def _checksum(description: dict[str, Any], content: bytes) -> str:
    """The SHA-256 of all that a checkpoint holds."""
    total = hashlib.sha256(strict_json.encode_canonical(description))
    total.update(content)
    return total.hexdigest()
