"""Which data set a command works on: a known one by its name, or anyone's folder."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from office31_cli import paths
from office31_cli.data import sets
from office31_cli.data.data_set import DataSet
from office31_cli.data.folder import open_folder
from office31_cli.data.layouts import index
from office31_cli.errors import Failed, Misuse
from office31_cli.text import did_you_mean, printable

DataLike = str | os.PathLike[str] | DataSet
"""What names a data set: a known one's name, the path of a folder or of an index, or the data set itself."""


def open_data(
    data: DataLike | None = None, *, nested: bool = False, follow_links: str | os.PathLike[str] | None = None
) -> DataSet:
    """The data set that `--data` means: a known one's name, a folder, an index, or without it the first known one here.

    With `nested`, a folder's own folders are the items of one domain, whatever lies below them. With `follow_links`,
    symbolic links are followed that lead to somewhere below the folder or below that one. Raises `Failed` where the
    data set is not here (with the command that brings it) or is laid out in another way, and `Misuse` for a word that
    is neither a known name nor a folder.
    """
    word = None if data is None or isinstance(data, DataSet) else os.fspath(data)
    known = sets.find(word)
    if word is not None and known is None:
        return _open_own(word, nested=nested, follow_links=follow_links)
    for option, given in (("--nested", nested), ("--follow-links", follow_links)):
        if given:
            raise Misuse(option, "it says how to read a folder of your own", "give that with --data")
    if isinstance(data, DataSet):
        return data
    return _open_first_here() if known is None else _open_known(known)


def _open_own(word: str, *, nested: bool, follow_links: str | os.PathLike[str] | None) -> DataSet:
    folder, name = _expand(word), None
    if folder.suffix.lower() in index.SUFFIXES and folder.is_file():
        folder, name = folder.parent, folder.name
    if not folder.is_dir():
        raise _no_such_folder(word, folder)
    root_of_links = None if follow_links is None else _find_root_of_links(os.fspath(follow_links))
    return open_folder(folder.absolute(), index=name, nested=nested, follow_links=root_of_links)


def _expand(word: str) -> Path:
    with contextlib.suppress(RuntimeError):  # ~SOMEBODY, whom this machine does not know
        return Path(word).expanduser()
    return Path(word)


def _find_root_of_links(word: str) -> Path:
    root = _expand(word)
    if not root.is_dir():
        raise Misuse(
            f"--follow-links {printable(word)}", "there is no such folder", "name one below which the links lead"
        )
    return root.absolute()


def _no_such_folder(data: str, folder: Path) -> Misuse:
    """What to say of a word that is neither a known name nor a folder."""
    what = f"--data {printable(data)}"
    if folder.exists():
        default = sets.load(sets.DEFAULT)
        return Misuse(
            what,
            "a file, not a folder",
            f"unpack it (of {default.title}: {default.command} --from FILE)",
        )
    if "/" not in data:
        return Misuse(what, "neither a folder nor a known data set", did_you_mean(data, sets.names()))
    here = " or ".join(name for name in sets.names() if sets.load(name).root.is_dir())
    return Misuse(what, "a folder that is not there", f"check the path{here and f', or use {here}'}")


def location(data: DataSet) -> str:
    """What names a data set that was opened: a known one's name, else the path of its folder or index."""
    if data.index is not None:
        return str(data.root / data.index)
    return data.name if data.root == paths.data_sets() / data.name else str(data.root)


def reading_options(data: DataSet) -> dict[str, str | bool | None]:
    """The options by which `open_data` reads the same data set again, by name."""
    return {"nested": data.nested, "follow_links": None if data.follow_links is None else str(data.follow_links)}


def describe_source(data: DataSet) -> dict[str, str | bool]:
    """What a model's card records of a data set, from which `reopen` opens it."""
    options = {name: value for name, value in reading_options(data).items() if value}
    return {"name": data.name, "location": location(data), **options}


def reopen(described: Mapping[str, Any]) -> DataSet:
    """The data set that a model's card records; raises as `open_data` does."""
    links = described.get("follow_links")
    return open_data(
        described["location"],
        nested=described.get("nested") is True,
        follow_links=links if isinstance(links, str) else None,
    )


def _open_first_here() -> DataSet:
    every = [sets.load(name) for name in sets.names()]
    for known in every:
        if known.root.is_dir():
            return _open_known(known)
    drawn = next(known.command for known in every if known.drawn)
    raise Failed(
        f"no data set in {paths.data_sets()}",
        "none was downloaded",
        f"run: {every[0].command} (or, with no network: {drawn})",
    )


def _open_known(known: sets.KnownDataSet) -> DataSet:
    if not known.root.is_dir():
        raise Failed(f"data set {known.name}", f"it is not in {paths.data_sets()}", f"run: {known.command}")
    return open_folder(known.root, known.name)
