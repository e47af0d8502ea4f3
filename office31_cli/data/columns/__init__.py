"""What can be predicted of a photograph: one file a column, found by its name, and those of a folder's `labels.csv`.

To add one, write `NAME.py` with a class `Column` that derives from `base.DerivedColumn`; nothing else needs to know.
"""

from office31_cli.data.columns import labels_csv
from office31_cli.data.columns.base import Column, DerivedColumn
from office31_cli.data.data_set import DataSet
from office31_cli.discovery import ModuleFolder
from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable

FOLDER = ModuleFolder(__name__, "column", shared=("base", "labels_csv"), separator="_")


def get_column(data: DataSet, name: str) -> Column:
    """The column that the data set offers under that name; raises `Misuse`, with a near match, where it does not."""
    if column := find_column(data, name):
        return column
    known = [each for each in FOLDER.names() if _derived_column(data, each).is_offered()]
    offered = [*known, *labels_csv.read_columns(data, reserved=FOLDER.names()), "pair", "separate"]
    raise Misuse(f"output {printable(name)}", f"{printable(data.name)} offers none", did_you_mean(name, offered))


def find_column(data: DataSet, name: str) -> Column | None:
    """The column of that name, if the data set offers it; raises `Misuse` where its `labels.csv` is malformed."""
    if name in FOLDER.names() and (column := _derived_column(data, name)).is_offered():
        return column
    return labels_csv.read_columns(data, reserved=FOLDER.names()).get(name)


def _derived_column(data: DataSet, name: str) -> DerivedColumn:
    column: DerivedColumn = FOLDER.load(name).Column(data)
    return column
