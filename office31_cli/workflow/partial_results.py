"""Results of finished runs of a comparison, kept until all are done, so that an interrupted one computes the rest."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from office31_cli import paths, storage
from office31_cli.keys import run_key
from office31_cli.observer import Observer
from office31_cli.registry import strict_json

_LARGEST = 1 << 24


@dataclass
class PartialResults:
    """Results by the identity of their runs, a file each."""

    observer: Observer
    total: int = 0
    """How many runs `get_or_compute` will be asked for."""
    _files: set[Path] = field(default_factory=set)
    _there: int = 0

    def get_or_compute(self, identity: dict[str, Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The results that an interrupted comparison kept for the same run, else those that `compute` returns now.

        When the first is computed, the observer hears how many were there.
        """
        found = self.find(identity)
        if found is not None:
            self._there += 1
            return found
        if self._there:
            self.observer.say(f"going on: {self._there:,} of {self.total:,} runs are there already")
            self._there = 0
        return self.keep(identity, compute())

    def find(self, identity: dict[str, Any]) -> dict[str, Any] | None:
        """The results that an interrupted comparison kept for the same run; None where it kept none."""
        path = self._file(identity)
        if not path.is_file():
            return None
        try:
            return strict_json.parse(path.read_bytes(), _LARGEST)
        except ValueError as error:
            self.observer.warn(f"{path} is damaged ({error}) and passed over")
            return None

    def keep(self, identity: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        """Keep what was found for a run: whole or not at all."""
        path = self._file(identity)
        storage.make_folder(path.parent)
        finite: dict[str, Any] = strict_json.replace_non_finite(found)
        storage.write_file(path, strict_json.encode_canonical(finite))
        return finite

    def clear(self) -> None:
        """Forget them: the comparison is whole."""
        for path in self._files:
            path.unlink(missing_ok=True)

    def _file(self, identity: dict[str, Any]) -> Path:
        path = paths.runs() / f"{run_key(**identity)}.json"
        self._files.add(path)
        return path
