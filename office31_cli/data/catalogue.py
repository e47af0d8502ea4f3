"""Which data set a command works on: one of the catalogue by its name, or anyone's folder."""

import contextlib
from pathlib import Path

from office31_cli import paths
from office31_cli.data import office31
from office31_cli.data.folder import DataSet, open_folder
from office31_cli.errors import Failed, Misuse
from office31_cli.text import did_you_mean, printable

SAMPLE = "sample"
"""The drawn stand-in's name; `data.sample` draws it."""

_BRING = {office31.NAME: "office31 download", SAMPLE: "office31 download --sample"}
"""The data sets of the catalogue, each with the command that brings it."""

NAMES = tuple(_BRING)


def open_data(data: str | None) -> DataSet:
    """The data set that `--data` means: a name, a folder, or the first of the catalogue that is here.

    Raises `Failed` where it is not here (with the command that brings it) or is laid out in another way, and
    `Misuse` for a name that is neither in the catalogue nor a folder.
    """
    if data is None:
        return _first_here()
    if data in _BRING:
        return _catalogued(data)
    folder = Path(data)
    with contextlib.suppress(RuntimeError):  # ~SOMEBODY, whom this machine does not know
        folder = folder.expanduser()
    if not folder.is_dir():
        raise _no_folder(data, folder)
    return open_folder(folder.absolute())


def _no_folder(data: str, folder: Path) -> Misuse:
    """What to do about a word that is neither in the catalogue nor a folder."""
    what = f"--data {printable(data)}"
    if folder.exists():
        return Misuse(what, "a file, not a folder", "unpack it (of Office-31: office31 download --from FILE)")
    if "/" not in data:
        return Misuse(what, "neither a folder nor a known data set", did_you_mean(data, _BRING))
    here = " or ".join(name for name in _BRING if (paths.data_sets() / name).is_dir())
    return Misuse(what, "a folder that is not there", f"check the path{here and f', or use {here}'}")


def location(data: DataSet) -> str:
    """What to give to `open_data` to open the same data set again."""
    return data.name if data.root == paths.data_sets() / data.name else str(data.root)


def _first_here() -> DataSet:
    for name in _BRING:
        if (paths.data_sets() / name).is_dir():
            return _catalogued(name)
    raise Failed(
        f"no data set in {paths.data_sets()}",
        "none was downloaded",
        "run: office31 download (or, with no network: office31 download --sample)",
    )


def _catalogued(name: str) -> DataSet:
    root = paths.data_sets() / name
    if not root.is_dir():
        raise Failed(f"data set {name}", f"it is not in {paths.data_sets()}", f"run: {_BRING[name]}")
    return open_folder(root, name)
