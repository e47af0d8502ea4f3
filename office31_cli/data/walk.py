"""What lies in a folder: its pictures and its folders, without hidden files and what systems leave behind."""

import os
from dataclasses import dataclass
from pathlib import Path

from office31_cli.errors import Failed
from office31_cli.text import printable

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"})
"""What counts as a picture, by the end of its name; the decoder looks at the bytes."""

_LEFT_BEHIND = frozenset({"__MACOSX"})
"""Folders that an archiver adds."""


@dataclass(frozen=True)
class Folder:
    """The names of what lies in a folder, each kind in alphabetical order."""

    folders: tuple[str, ...]
    pictures: tuple[str, ...]


def list_folder(path: Path) -> Folder:
    """The folders and pictures in a folder; raises `Failed` for a symbolic link."""
    with os.scandir(path) as entries:
        visible = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in _LEFT_BEHIND]
    for entry in visible:
        if entry.is_symlink():
            raise Failed(
                printable(entry.path),
                "a symbolic link, which could lead anywhere",
                "put the pictures themselves into the folder",
            )
    return Folder(
        tuple(sorted(entry.name for entry in visible if entry.is_dir())),
        tuple(sorted(entry.name for entry in visible if is_picture(entry.name) and entry.is_file())),
    )


def is_picture(name: str) -> bool:
    """Whether a file counts as a picture by the end of its name."""
    return Path(name).suffix.lower() in EXTENSIONS
