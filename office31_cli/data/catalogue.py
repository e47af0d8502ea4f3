"""Which data set a command works on: a known one by its name, or anyone's folder."""

import contextlib
import os
from pathlib import Path

from office31_cli import paths
from office31_cli.data import sets
from office31_cli.data.data_set import DataSet
from office31_cli.data.folder import open_folder
from office31_cli.errors import Failed, Misuse
from office31_cli.text import did_you_mean, printable

DataLike = str | os.PathLike[str]
"""What names a data set: a known one's name, or the path of a folder."""


def open_data(data: DataLike | None = None) -> DataSet:
    """The data set that `--data` means: a known one's name, a folder, or without either the first known one here.

    Raises `Failed` where it is not here (with the command that brings it) or is laid out in another way, and
    `Misuse` for a word that is neither a known name nor a folder.
    """
    if data is None:
        return _open_first_here()
    word = os.fspath(data)
    if known := sets.find(word):
        return _open_known(known)
    folder = Path(word)
    with contextlib.suppress(RuntimeError):  # ~SOMEBODY, whom this machine does not know
        folder = folder.expanduser()
    if not folder.is_dir():
        raise _no_such_folder(word, folder)
    return open_folder(folder.absolute())


def _no_such_folder(data: str, folder: Path) -> Misuse:
    """What to say of a word that is neither a known name nor a folder."""
    what = f"--data {printable(data)}"
    if folder.exists():
        default = sets.load(sets.DEFAULT)
        return Misuse(what, "a file, not a folder", f"unpack it (of {default.title}: {default.command} --from FILE)")
    if "/" not in data:
        return Misuse(what, "neither a folder nor a known data set", did_you_mean(data, sets.names()))
    here = " or ".join(name for name in sets.names() if sets.load(name).root.is_dir())
    return Misuse(what, "a folder that is not there", f"check the path{here and f', or use {here}'}")


def location(data: DataSet) -> str:
    """What to give to `open_data` to open the same data set again."""
    return data.name if data.root == paths.data_sets() / data.name else str(data.root)


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
