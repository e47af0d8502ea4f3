"""File formats for exported networks, which run without this program: one module per format, named by its suffix.

To add one, write `SUFFIX.py` with a docstring whose first line describes it, and a class `Format` derived from
`base.Format`. `office31 models export` then offers it.
"""

from office31_cli.discovery import ModuleFolder
from office31_cli.models.formats.base import Format

FOLDER = ModuleFolder(__name__, "format")


def load(name: str) -> Format:
    """Load a format by its name; raises `Misuse` with the nearest name where there is none. Imports no torch."""
    form: Format = FOLDER.load(name).Format()
    return form
