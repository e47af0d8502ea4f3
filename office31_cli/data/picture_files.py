"""Finds the user's own pictures: files that were named, and those in folders that were named."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from office31_cli.data.walk import is_hidden, is_picture
from office31_cli.observer import SILENT, Observer


@dataclass(frozen=True)
class PictureFile:
    """Where a picture lies, and why it cannot be read, where that is known already."""

    path: Path
    fault: str | None = None


def find_pictures(named: Sequence[Path], observer: Observer = SILENT) -> Iterator[PictureFile]:
    """Yield the named files, whatever they are called, and every file with a picture's ending below a named folder.

    What was named comes in its order, the contents of a folder in alphabetical order; hidden files are left out. A link
    to a folder that was not named is reported and not followed: it could lead anywhere, or round in a circle. A folder
    that cannot be read counts as a picture that cannot be read. Of each level, one folder's names are in memory.
    """
    waiting = [(os.fspath(path), path.is_dir()) for path in reversed(named)]
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield PictureFile(Path(path))
            continue
        try:
            waiting += reversed(_list_folder(path, observer))
        except OSError as error:
            yield PictureFile(Path(path), f"this folder cannot be looked into ({error.strerror})")


def _list_folder(folder: str, observer: Observer) -> list[tuple[str, bool]]:
    """The folders and the pictures in a folder, each with whether it is a folder, in alphabetical order."""
    with os.scandir(folder) as entries:
        shown = sorted((entry for entry in entries if not is_hidden(entry.name)), key=lambda entry: entry.name)
    inside = []
    for entry in shown:
        is_folder = entry.is_dir(follow_symlinks=False)
        if _is_link_to_folder(entry):
            observer.say(f"{entry.path}: a link to a folder, which is not followed")
        elif is_folder or is_picture(entry.name):
            inside.append((entry.path, is_folder))
    return inside


def _is_link_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a link to itself, or to what may not be looked at
        return False
