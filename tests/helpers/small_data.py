"""Tiny drawn photographs in folders, an observer that remembers, and a crash at a chosen step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from office31_cli.observer import Advance, Epochs


class Listener:
    """Remembers what was said and warned, and for each piece of tracked work (total, done before, done now).

    Of each time that it heard of epochs it remembers how many.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []
        self.tracked: list[tuple[int, int, int]] = []
        self.heard: list[int] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.warned.append(message)

    @contextmanager
    def track(self, label: str, total: int, done: int = 0) -> Iterator[Advance]:
        steps: list[int] = []
        yield steps.append
        self.tracked.append((total, done, sum(steps)))

    def epochs(self, epochs: Epochs) -> None:
        self.heard.append(len(epochs))


class Crash:
    """Stands in for `storage.before_operation`: notes the steps, and raises instead of step number `at`."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, list[str]()

    def __call__(self, operation: str, path: Path) -> None:
        self.steps.append(operation)
        if len(self.steps) == self.at:
            raise KeyboardInterrupt


def draw(path: Path, colour: tuple[int, int, int] = (200, 100, 50)) -> Path:
    """One small picture of one colour; the end of its name says the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10), colour).save(path)
    return path


def lay_out(root: Path, *folders: str, pictures: int = 2) -> Path:
    """A folder `root` with some pictures, each of another colour, in each of `folders`."""
    for place, folder in enumerate(folders):
        for number in range(pictures):
            draw(root / folder / f"frame_{number}.png", (40 * place, 40 * number, 90))
    return root
