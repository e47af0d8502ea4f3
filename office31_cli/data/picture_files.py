"""Pictures of one's own, wherever they lie: files that are named, and folders that are looked through."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from office31_cli.data.folder import EXTENSIONS
from office31_cli.observer import SILENT, Observer


@dataclass(frozen=True)
class PictureFile:
    """Where a picture lies, and what is known already to keep it from being read."""

    path: Path
    why: str | None = None


def find_pictures(named: Sequence[Path], observer: Observer = SILENT) -> Iterator[PictureFile]:
    """The named files, whatever they are called, and what is called as a picture in the named folders and below.

    The named come in their order, what is in a folder in that of the names; what is hidden is left out. A link to a
    folder that was not named is told of and not followed: it could lead anywhere, or round in a circle. A folder that
    cannot be looked into counts as a picture that cannot be read. Holds the names of one folder a level in memory.
    """
    waiting = [(os.fspath(path), path.is_dir()) for path in reversed(named)]
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield PictureFile(Path(path))
            continue
        try:
            waiting += reversed(_inside(path, observer))
        except OSError as error:
            yield PictureFile(Path(path), f"this folder cannot be looked into ({error.strerror})")


def _inside(folder: str, observer: Observer) -> list[tuple[str, bool]]:
    """The folders in a folder and what is called as a picture, each with whether it is a folder, in order."""
    with os.scandir(folder) as entries:
        shown = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    inside = []
    for entry in shown:
        is_folder = entry.is_dir(follow_symlinks=False)
        if _leads_to_folder(entry):
            observer.say(f"{entry.path}: a link to a folder, which is not followed")
        elif is_folder or Path(entry.name).suffix.lower() in EXTENSIONS:
            inside.append((entry.path, is_folder))
    return inside


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a link to itself, or to what may not be looked at
        return False
