"""The registry of models: they never change, and each is published completely or not at all."""

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
    """The models stored below `root`, by default in the folder of the user."""

    def __init__(self, root: Path | None = None) -> None:
        self.layout = Layout(root or paths.registry())
        self._seen: set[str] = set()  # models never change, so a publisher reads each card once
        self._latest = ""

    def entries(self) -> list[Entry]:
        """All models that can be read, newest first."""
        readable = [entry for entry in self._scan() if isinstance(entry, Entry)]
        return sorted(readable, key=lambda entry: (entry.card.created, entry.id), reverse=True)

    def unreadable(self) -> list[Problem]:
        """The problem of each stored model that cannot be read."""
        return [Problem.of(error) for error in self._scan() if isinstance(error, Office31Error)]

    def find(self, word: str) -> Entry:
        """Load the model with this name, id or beginning of an id; raises `Misuse` where there is none or several."""
        model_id = self.resolve(word)
        try:
            return load(self.layout.models / model_id, self._group_names()[model_id])
        except FileNotFoundError:  # removed since
            raise self._unknown_error(word) from None

    def resolve(self, word: str) -> str:
        """The id of the model with this name, id or beginning of an id, readable or not; raises `Misuse` as `find`."""
        ids = self.layout.ids()
        if owner := self.layout.owner(word):
            return owner
        matches = [model_id for model_id in ids if word and model_id.startswith(word.lower())]
        if len(matches) > 1:
            raise Misuse(
                f"model {word}", f"several ids begin with it: {join_names(sorted(matches))}", "give more digits"
            )
        if not matches or not rules.is_like_id(word):  # a letter or two may be a mistyped name
            raise self._unknown_error(word)
        return matches[0]

    def newest(self, fits: Callable[[Entry], bool]) -> Entry | None:
        """The newest model for which `fits` returns true, or None."""
        return next((entry for entry in self.entries() if fits(entry)), None)

    def children(self, model_id: str) -> list[Entry]:
        """The models made directly from this one, newest first."""
        return [entry for entry in self.entries() if model_id in {parent.id for parent in entry.card.parents}]

    def check_name_free(self, name: str, *, unless: str | None = None) -> None:
        """Raise `Misuse` where `name` is invalid, or taken by a model other than `unless`."""
        rules.check(name)
        owner = self.layout.owner(name)
        if owner is not None and owner != unless:
            raise Misuse(f'model name "{name}"', f"model {owner} has it", "choose another, or rename that model")

    def publish(self, card: Card, files: Mapping[str, bytes], *, name: str | None = None, suggested: str) -> Entry:
        """Store a model and its name, completely or not at all, and return it.

        Without a `name` it is called `suggested`, with a number where that is taken. `files` holds `model.safetensors`
        and any small files by name. Raises `Misuse` where the name is invalid or taken, `Refused` for a bad file name.
        """
        if name is not None:
            self.check_name_free(name)
        for file in files:
            if not rules.is_file(file) or file == CARD_FILE:
                raise Refused(f"file {printable(file)}", "a model cannot contain a file of this name", "rename it")
        with self.layout.open_staging_folder() as folder:
            records = {file: _write_file(folder / file, content) for file, content in files.items()}
            with self.layout.hold_lock():
                complete_card = replace(card, files=records, created=self._make_time())
                return self.admit(folder, cards.encode(complete_card), name=name, suggested=suggested)

    def admit(self, folder: Path, raw: bytes, *, name: str | None, suggested: str) -> Entry:
        """Turn a staged folder, complete except for its card, into a stored model; the lock must be held."""
        cards.decode(raw, str(folder / CARD_FILE))  # never write a card that cannot be read again
        model_id = cards.digest(raw)[:16]
        free_name = self._choose_name(name, suggested, model_id)
        storage.create_file(folder / CARD_FILE, raw)
        storage.sync_file(folder)
        try:
            self.layout.point(free_name, model_id)
            storage.replace(folder, self.layout.models / model_id)
        except BaseException:
            with contextlib.suppress(OSError):
                self.layout.drop(free_name)
            raise
        return load(self.layout.models / model_id, (free_name,))

    def _scan(self) -> Iterator[Entry | Office31Error]:
        ids = self.layout.ids()
        names = self._group_names()  # after the ids: a name is written before its model
        for model_id in ids:
            try:
                yield load(self.layout.models / model_id, names[model_id])
            except Office31Error as error:
                yield error
            except FileNotFoundError:
                continue  # removed since it was listed

    def _group_names(self) -> defaultdict[str, tuple[str, ...]]:
        by_id: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
        for name, model_id in sorted(self.layout.names().items()):
            by_id[model_id] += (name,)
        return by_id

    def _unknown_error(self, word: str) -> Misuse:
        return Misuse(f"model {printable(word[:80])}", "there is none", did_you_mean(word, self.layout.names()))

    def _choose_name(self, name: str | None, suggested: str, model_id: str) -> str:
        if name is not None:
            self.check_name_free(name, unless=model_id)
            return name
        base = rules.make_name(suggested)
        candidates = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
        return next(candidate for candidate in candidates if self.layout.owner(candidate) is None)

    def _make_time(self) -> str:
        """The current time, or just after the newest model where the clock was set back; newer models are later."""
        now = datetime.fromtimestamp(time.time(), UTC)
        if latest := self._find_latest_time():
            now = max(now, datetime.fromisoformat(latest) + timedelta(microseconds=1))
        return now.isoformat(timespec="microseconds")

    def _find_latest_time(self) -> str:
        """The time at which the newest readable model was published; empty where there is none."""
        for model_id in set(self.layout.ids()) - self._seen:
            with contextlib.suppress(Office31Error, FileNotFoundError):
                self._latest = max(self._latest, load(self.layout.models / model_id).card.created)
                self._seen.add(model_id)
        return self._latest


def _write_file(path: Path, content: bytes) -> FileRecord:
    storage.create_file(path, content)
    if path.name == MODEL_FILE:
        tensors.normalise(path)
    return FileRecord(sha256=storage.sha256_file(path), bytes=path.stat().st_size)
