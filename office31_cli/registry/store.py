"""The registry: immutable models, found by name, id or fitness, published whole or not at all."""

import contextlib
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from office31_cli import paths, storage
from office31_cli.errors import Misuse, Office31Error, Refused
from office31_cli.registry import card as cards
from office31_cli.registry import names as rules
from office31_cli.registry import tensors
from office31_cli.registry.card import CARD_FILE, MODEL_FILE, Card, FileRecord
from office31_cli.registry.entry import Entry, Problem, load
from office31_cli.registry.layout import Layout
from office31_cli.text import did_you_mean, join_names, printable


class Registry:
    """The stored models below `root`, by default the user's own."""

    def __init__(self, root: Path | None = None) -> None:
        self.layout = Layout(root or paths.registry())
        self._seen: set[str] = set()  # models never change, so a publisher reads each card once
        self._latest = ""

    def entries(self) -> list[Entry]:
        """All models that can be read, newest first."""
        found = [entry for entry in self._scan() if isinstance(entry, Entry)]
        return sorted(found, key=lambda entry: (entry.card.created, entry.id), reverse=True)

    def unreadable(self) -> list[Problem]:
        """What is wrong with each model that `entries` leaves out."""
        return [Problem.of(error) for error in self._scan() if isinstance(error, Office31Error)]

    def find(self, word: str) -> Entry:
        """The model with this name, id or beginning of an id; raises `Misuse` where that is none or several."""
        model_id = self.resolve(word)
        try:
            return load(self.layout.models / model_id, self._names_by_id()[model_id])
        except FileNotFoundError:  # removed since
            raise self._unknown(word) from None

    def resolve(self, word: str) -> str:
        """The id that `word` stands for, whether or not that model can be read; raises `Misuse`."""
        ids = self.layout.ids()
        if owner := self.layout.owner(word):
            return owner
        matches = [model_id for model_id in ids if word and model_id.startswith(word.lower())]
        if len(matches) > 1:
            raise Misuse(f"model {word}", f"several ids begin so: {join_names(sorted(matches))}", "give more digits")
        if not matches or not rules.is_like_id(word):  # a letter or two may be a mistyped name
            raise self._unknown(word)
        return matches[0]

    def newest(self, fits: Callable[[Entry], bool]) -> Entry | None:
        """The newest model that `fits`, or None."""
        return next((entry for entry in self.entries() if fits(entry)), None)

    def children(self, model_id: str) -> list[Entry]:
        """The models that were made directly from this one, newest first."""
        return [entry for entry in self.entries() if model_id in {parent.id for parent in entry.card.parents}]

    def check_name_free(self, name: str, *, unless: str | None = None) -> None:
        """Raise `Misuse` where `name` is not a name, or is that of a model other than `unless`."""
        rules.check(name)
        owner = self.layout.owner(name)
        if owner is not None and owner != unless:
            raise Misuse(f'model name "{name}"', f"model {owner} has it", "choose another, or rename that model")

    def publish(self, card: Card, files: Mapping[str, bytes], *, name: str | None = None, suggested: str) -> Entry:
        """Store a model: all of it, with its name, or nothing.

        Without a `name` it gets one made from `suggested`, numbered where that is taken. `files` holds
        `model.safetensors` and whatever small files belong to it. Raises `Misuse` where the name is invalid or taken.
        """
        if name is not None:
            self.check_name_free(name)
        for file in files:
            if not rules.is_file(file) or file == CARD_FILE:
                raise Refused(f"file {printable(file)}", "a model cannot hold a file of this name", "rename it")
        with self.layout.staging() as folder:
            records = {file: _write(folder / file, content) for file, content in files.items()}
            with self.layout.changing():
                whole = replace(card, files=records, created=self._next_moment())
                return self.admit(folder, cards.encode(whole), name=name, suggested=suggested)

    def admit(self, folder: Path, raw: bytes, *, name: str | None, suggested: str) -> Entry:
        """Make a staged folder, whole but for its card, a model; the lock must be held."""
        cards.decode(raw, str(folder / CARD_FILE))  # what could not be read again is not written
        model_id = cards.digest(raw)[:16]
        chosen = self._choose_name(name, suggested, model_id)
        storage.create_file(folder / CARD_FILE, raw)
        storage.sync_file(folder)
        try:
            self.layout.point(chosen, model_id)
            storage.replace(folder, self.layout.models / model_id)
        except BaseException:
            with contextlib.suppress(OSError):
                self.layout.drop(chosen)
            raise
        return load(self.layout.models / model_id, (chosen,))

    def _scan(self) -> Iterator[Entry | Office31Error]:
        ids = self.layout.ids()
        names = self._names_by_id()  # after the ids: a name is there before its model
        for model_id in ids:
            try:
                yield load(self.layout.models / model_id, names[model_id])
            except Office31Error as error:
                yield error
            except FileNotFoundError:
                continue  # removed since it was listed

    def _names_by_id(self) -> defaultdict[str, tuple[str, ...]]:
        by_id: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
        for name, model_id in sorted(self.layout.names().items()):
            by_id[model_id] += (name,)
        return by_id

    def _unknown(self, word: str) -> Misuse:
        return Misuse(f"model {printable(word[:80])}", "there is none", did_you_mean(word, self.layout.names()))

    def _choose_name(self, name: str | None, suggested: str, model_id: str) -> str:
        if name is not None:
            self.check_name_free(name, unless=model_id)
            return name
        base = rules.make_name(suggested)
        candidates = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
        return next(candidate for candidate in candidates if self.layout.owner(candidate) is None)

    def _next_moment(self) -> str:
        """Now, or just after the newest model where the clock was set back, so that newer means later."""
        now = datetime.fromtimestamp(time.time(), UTC)
        if latest := self._latest_moment():
            now = max(now, datetime.fromisoformat(latest) + timedelta(microseconds=1))
        return now.isoformat(timespec="microseconds")

    def _latest_moment(self) -> str:
        """When the newest model was published; empty where there is none that can be read."""
        for model_id in set(self.layout.ids()) - self._seen:
            with contextlib.suppress(Office31Error, FileNotFoundError):
                self._latest = max(self._latest, load(self.layout.models / model_id).card.created)
                self._seen.add(model_id)
        return self._latest


def _write(path: Path, content: bytes) -> FileRecord:
    storage.create_file(path, content)
    if path.name == MODEL_FILE:
        tensors.normalise(path)
    return FileRecord(sha256=storage.sha256_file(path), bytes=path.stat().st_size)
