"""What a network is written as, to be run without this program: one file a format, named as its files end.

To add one, write `SUFFIX.py` with a docstring whose first line says what it is and a class `Format` that derives
from `base.Format`. Nothing else needs to know of it: `office31 models export` takes it.
"""

from office31_cli.discovery import ModuleFolder
from office31_cli.models.formats.base import Format

FOLDER = ModuleFolder(__name__, "format")


def load(name: str) -> Format:
    """A format by its name; raises `Misuse` with a near match where there is none. Imports no torch."""
    made: Format = FOLDER.load(name).Format()
    return made
