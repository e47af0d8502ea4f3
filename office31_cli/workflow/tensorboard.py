"""A training's figures for TensorBoard, which is an extra: an observer that writes down what it hears of each epoch."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from office31_cli import storage
from office31_cli.engine.settings import Settings
from office31_cli.errors import Failed, Misuse
from office31_cli.history import parse_key
from office31_cli.observer import Epochs, Observer, Relay
from office31_cli.registry import Card
from office31_cli.registry.names import make_name
from office31_cli.text import printable


def check(folder: str | os.PathLike[str]) -> None:
    """Raise `Failed` or `Misuse` where nothing could be written there, before hours are spent. Imports no torch."""
    folder = Path(folder)
    option = f"--tensorboard {printable(str(folder))}"
    if importlib.util.find_spec("tensorboard") is None:
        raise Failed(option, "tensorboard is not installed", "run: pip install 'office31-cli[tensorboard]'")
    if folder.exists() and not folder.is_dir():
        raise Misuse(option, "it is no folder", "name one")
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK):
        raise Failed(option, f"{printable(str(there))} cannot be written to", "name a folder of yours")


class Recorder(Relay):
    """Passes everything on, and writes what each epoch came to.

    What an interrupted run has written already is not written again when it is resumed.
    """

    def __init__(self, observer: Observer, folder: Path, settings: Settings) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from torch.utils.tensorboard import SummaryWriter

        super().__init__(observer)
        storage.make_folder(folder)
        found = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()  # 0: all of them
        self._there = {(tag, event.step) for tag in found.Tags()["scalars"] for event in found.Scalars(tag)}
        self._scored = bool(found.summary_metadata)
        self._settings, self._writer = settings, SummaryWriter(str(folder))

    @classmethod
    def of(cls, observer: Observer, folder: Path, name: str, run: str, settings: Settings) -> Self:
        """For the run with this key, in a folder of its own below `folder`; a resumed run has the same one."""
        below = folder / f"{make_name(name)}-{run[:8]}"
        observer.say(f"figures for TensorBoard: {below}")
        return cls(observer, below, settings)

    def epochs(self, epochs: Epochs) -> None:
        """Write what is not there yet, each figure under its group: `loss/item`, `validator/im`, `held-out/item`."""
        from office31_cli.engine.optimizers import learning_rate_factor

        super().epochs(epochs)
        for number, row in enumerate(epochs, 1):
            share = learning_rate_factor(self._settings, (number - 1) / self._settings.epochs)
            self._write("learning rate", self._settings.lr * share, number)
            for key, value in row.items():
                self._write("/".join(parse_key(key)), value, number)
        self._writer.flush()

    def finish(self, card: Card) -> None:
        """Write how the run was configured beside its scores, and of a target what its labels tell; then close."""
        for number, accuracy in enumerate(card.metrics.get("accuracies") or [], 1):
            self._write("accuracy/target", accuracy, number)
        if not self._scored:
            scores = dict(_numbers("score/held-out", card.metrics["validation"]))
            scores |= _numbers("score/target", card.metrics.get("scores"))
            self._writer.add_hparams(_configuration(card), scores, run_name=".", global_step=len(card.history))
        self._writer.close()

    def _write(self, tag: str, value: float, step: int) -> None:
        if (tag, step) not in self._there:
            self._there.add((tag, step))
            self._writer.add_scalar(tag, value, step)


def _configuration(card: Card) -> dict[str, bool | float | str]:
    """What was chosen: of nested choices, as a method's hyper-parameters, each by its own name."""
    chosen = {"backbone": card.network["backbone"], "weights": card.weights, "train": card.train}
    chosen |= {"domains": "+".join(card.data["domains"])}
    for name, value in card.configuration.items():
        chosen |= value if isinstance(value, dict) else {name: value}
    return {name: value for name, value in chosen.items() if isinstance(value, bool | int | float | str)}


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """The numbers in nested objects, each by the path that leads to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(f"{name}/{key}", inner)
    elif isinstance(value, float):
        yield name, value
