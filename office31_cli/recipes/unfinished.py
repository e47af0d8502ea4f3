"""A comparison's finished runs, kept until all of it is done: interrupted, it goes on with the next one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from office31_cli import paths, storage
from office31_cli.data.cache import content_key
from office31_cli.observer import Observer
from office31_cli.registry import strict_json

_LARGEST = 1 << 24


@dataclass
class Unfinished:
    """Results by the identity of their runs, a file each."""

    observer: Observer
    _files: list[Path] = field(default_factory=list)

    def result(self, identity: dict[str, Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What an earlier, interrupted comparison found for the same run, else what `compute` finds now."""
        path = paths.runs() / f"{content_key(**identity)}.json"
        self._files.append(path)
        if path.is_file():
            try:
                return strict_json.parse(path.read_bytes(), _LARGEST)
            except ValueError as error:
                self.observer.warn(f"{path} is damaged ({error}) and passed over")
        found = compute()
        storage.make_folder(path.parent)
        storage.write_file(path, strict_json.canonical(strict_json.finite(found)))
        return found

    def clear(self) -> None:
        """Forget them: the comparison is whole."""
        for path in self._files:
            path.unlink(missing_ok=True)
