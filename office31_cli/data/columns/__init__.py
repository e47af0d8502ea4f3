"""What can be asked of a photograph: one file a column, found by its name, and those of a folder's `labels.csv`.

To add one, write `NAME.py` with a class `Column` that derives from `base.Known`. Nothing else needs to know of it.
"""

import importlib
import pkgutil

from office31_cli.data.columns import labels_csv
from office31_cli.data.columns.base import Column, Known
from office31_cli.data.folder import DataSet
from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable

_NO_COLUMNS = ("base", "labels_csv")


def named(data: DataSet, name: str) -> Column:
    """The column that the data set offers under that name; raises `Misuse`, with a near match, where it does not."""
    if column := find(data, name):
        return column
    known = [each for each in _files() if _known(data, each).offered()]
    offered = [*known, *labels_csv.read(data, reserved=_files()), "pair", "separate"]
    raise Misuse(f"output {printable(name)}", f"{printable(data.name)} offers none", did_you_mean(name, offered))


def find(data: DataSet, name: str) -> Column | None:
    """The column of that name, if the data set offers it; raises `Misuse` where its `labels.csv` is malformed."""
    if name in _files() and (column := _known(data, name)).offered():
        return column
    return labels_csv.read(data, reserved=_files()).get(name)


def _files() -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules(__path__) if module.name not in _NO_COLUMNS)


def _known(data: DataSet, name: str) -> Known:
    column: Known = importlib.import_module(f"{__name__}.{name}").Column(data)
    return column
