"""Pictures with matplotlib, which is an extra."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from office31_cli import storage
from office31_cli.errors import Failed
from office31_cli.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_picture(option: str, path: Path) -> None:
    """Raise `Failed` where a picture could not be written, before hours are spent on what it is to show."""
    new_figure(option, 1, 1)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise Failed(f"{option} {printable(str(path))}", "it cannot be written", "name a file in a folder of yours")


def new_figure(option: str, width: float, height: float) -> "Figure":
    """An empty figure of so many inches; raises `Failed` naming the option where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise Failed(option, "matplotlib is not installed", "run: pip install 'office31-cli[plots]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def write_picture(figure: "Figure", path: Path, dpi: int = 150) -> None:
    """The figure as a PNG or SVG, which the end of its name says: whole or not at all, the same bytes each time."""
    from matplotlib import rc_context

    kind = path.suffix.removeprefix(".")
    content = io.BytesIO()
    with rc_context({"svg.hashsalt": "office31"}):
        figure.savefig(content, format=kind, dpi=dpi, metadata={"Date": None} if kind == "svg" else None)
    storage.write_file(path, content.getvalue())
