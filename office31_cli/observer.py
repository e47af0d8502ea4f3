"""How long work tells its caller what it does, without knowing whether a person or a pipe is listening."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]
"""Call with the number of units done since the last call."""

Epochs = Sequence[Mapping[str, float]]
"""What each epoch of a training came to; `history` tells what its keys mean."""


class Observer(Protocol):
    """What the command line shows on stderr; a caller from Python may pass its own or none."""

    def say(self, message: str) -> None:
        """Tell something worth knowing, such as which model was taken."""

    def warn(self, message: str) -> None:
        """Tell something that the user may have to act on."""

    def track(self, label: str, total: int, done: int = 0) -> AbstractContextManager[Advance]:
        """Follow `total` units of work, of which `done` are there already."""

    def epochs(self, epochs: Epochs) -> None:
        """Hear what a training has come to so far: after each of its epochs, and first of those before it went on."""


class SilentObserver:
    """Tells nothing."""

    def say(self, message: str) -> None:
        """Keep quiet."""

    def warn(self, message: str) -> None:
        """Keep quiet."""

    @contextmanager
    def track(self, label: str, total: int, done: int = 0) -> Iterator[Advance]:
        """Follow nothing."""
        yield lambda units: None

    def epochs(self, epochs: Epochs) -> None:
        """Hear nothing."""


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


class WarnOnce(Relay):
    """Passes everything on but a warning that was given before: for what does the same again and again."""

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self._warned = set[str]()

    def warn(self, message: str) -> None:
        """Pass it on the first time."""
        if message not in self._warned:
            self._warned.add(message)
            super().warn(message)


class WithoutEpochs(Relay):
    """Passes everything on but the epochs: for a training that only helps the one that is followed."""

    def epochs(self, epochs: Epochs) -> None:
        """Keep quiet."""
