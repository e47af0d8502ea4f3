"""Trainings of a moment: a folder of one-coloured pictures, and a run that stops after an epoch."""

import shutil
from pathlib import Path

import pytest

from office31_cli import Options, pretrain
from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.observer import SILENT, Observer
from office31_cli.results import TrainingResult
from tests.helpers.small_data import draw

ITEMS = ("bike", "mug", "pen")
PICTURES = 10
"""Of each item in each domain."""

QUICK = Options(epochs=1, batch_size=8)


def make_things(root: Path, *domains: str) -> Path:
    """`PICTURES` pictures of each item in each domain, no two of them alike."""
    for first, domain in enumerate(domains):
        for second, item in enumerate(ITEMS):
            for third in range(PICTURES):
                draw(root / domain / item / f"{third}.png", (60 * first, 80 * second, 20 * third))
    return root


def trained(
    data: Path, domain: str = "shop", *, options: Options = QUICK, observer: Observer = SILENT
) -> TrainingResult:
    """What `pretrain` makes of one domain of the folder."""
    return pretrain([domain], data=str(data), backbone="convnet", options=options, observer=observer)


def interrupt(monkeypatch: pytest.MonkeyPatch, data: Path, options: Options, *, after: int) -> None:
    """Begin the training that `trained` does, and press Ctrl-C after some epochs."""
    save = Checkpoints.save

    def save_and_stop(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        history = arguments[1]
        assert isinstance(history, list)
        if len(history) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoints, "save", save_and_stop)
        trained(data, options=options)


def rename_copy(data: Path, domain: str, name: str) -> None:
    """The same photographs as a domain of another name, their files in another order."""
    for picture in sorted((data / domain).glob("*/*")):
        target = data / name / picture.parent.name / f"{99 - int(picture.stem)}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, target)
