"""`office31 models gc`: what is left of removed models, of dead processes, and of runs that were interrupted."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from office31_cli import paths, storage
from office31_cli.errors import Failed
from office31_cli.registry import Registry, upkeep
from office31_cli.registry.upkeep import FreedSpace


@dataclass(frozen=True)
class Runs:
    """Interrupted trainings and parts of comparisons, which can be resumed."""

    count: int
    bytes: int


@dataclass(frozen=True)
class Cleanup:
    """The space that was freed, and the space of interrupted runs."""

    freed: FreedSpace
    runs: Runs
    forgotten: bool
    """Whether the interrupted runs were removed as well."""

    def to_json(self) -> dict[str, Any]:
        """The object that `gc --json` prints."""
        given = self.freed.bytes + (self.runs.bytes if self.forgotten else 0)
        return {**asdict(self.freed), "bytes": given, "runs": asdict(self.runs), "forgotten": self.forgotten}


def collect_garbage(*, forget_runs: bool = False) -> Cleanup:
    """Remove for good what nobody can use; with `forget_runs` interrupted runs as well, but for those at work."""
    freed = upkeep.gc(Registry())
    count = size = 0
    for path in _kept():
        bytes_there = _size(path)
        with contextlib.suppress(Failed):  # another process works on it
            if forget_runs:
                _remove(path)
            count, size = count + 1, size + bytes_there
    return Cleanup(freed, Runs(count, size), forget_runs)


def _kept() -> Iterator[Path]:
    folder = paths.runs()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() or path.suffix == ".json":
            yield path


def _remove(path: Path) -> None:
    if not path.is_dir():
        storage.remove_file(path)
        return
    lock = path.with_suffix(".lock")
    with storage.hold_lock(lock, timeout=0):
        storage.remove_folder(path)
        lock.unlink(missing_ok=True)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.lstat().st_size for file in files if not file.is_dir())
