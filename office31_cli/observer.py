"""How long-running work reports to its caller, without knowing whether a person or a pipe is listening."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]
"""Called with the number of units done since the last call."""

Epochs = Sequence[Mapping[str, float]]
"""A row for each epoch of a training; `history` says what the keys mean."""


class Observer(Protocol):
    """Receives messages and progress; the command line shows them on stderr, Python callers may pass theirs."""

    def say(self, message: str) -> None:
        """Receive something worth knowing, such as which model was taken."""

    def warn(self, message: str) -> None:
        """Receive something that the user may have to act on."""

    def track(self, label: str, total: int, done: int = 0) -> AbstractContextManager[Advance]:
        """Follow the progress of `total` units of work, of which `done` are done already."""

    def epochs(self, epochs: Epochs) -> None:
        """Receive a training's history so far: after each epoch, and once at the start of one that is resumed."""


class SilentObserver:
    """Ignores everything."""

    def say(self, message: str) -> None:
        """Ignore it."""

    def warn(self, message: str) -> None:
        """Ignore it."""

    @contextmanager
    def track(self, label: str, total: int, done: int = 0) -> Iterator[Advance]:
        """Ignore it."""
        yield lambda units: None

    def epochs(self, epochs: Epochs) -> None:
        """Ignore it."""


SILENT: Observer = SilentObserver()


class Relay:
    """Passes everything on."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def say(self, message: str) -> None:
        """Pass it on."""
        self._observer.say(message)

    def warn(self, message: str) -> None:
        """Pass it on."""
        self._observer.warn(message)

    def track(self, label: str, total: int, done: int = 0) -> AbstractContextManager[Advance]:
        """Pass it on."""
        return self._observer.track(label, total, done)

    def epochs(self, epochs: Epochs) -> None:
        """Pass it on."""
        self._observer.epochs(epochs)


class WithoutRepeats(Relay):
    """Passes everything on but repeated messages: for work that does the same again and again."""

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self._heard = set[str]()

    def say(self, message: str) -> None:
        """Pass it on the first time."""
        if message not in self._heard:
            self._heard.add(message)
            super().say(message)

    def warn(self, message: str) -> None:
        """Pass it on the first time."""
        if message not in self._heard:
            self._heard.add(message)
            super().warn(message)


class WithoutEpochs(Relay):
    """Passes everything on but the epochs: for trainings that only serve the one that is followed."""

    def epochs(self, epochs: Epochs) -> None:
        """Ignore it."""
