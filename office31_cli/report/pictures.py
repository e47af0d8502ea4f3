"""Pictures with matplotlib, which is an extra."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from office31_cli import storage
from office31_cli.errors import Failed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_of(option: str, width: float, height: float) -> "Figure":
    """An empty figure of so many inches; raises `Failed` naming the option where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise Failed(option, "matplotlib is not installed", "run: pip install 'office31-cli[plots]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def write_picture(figure: "Figure", path: Path) -> None:
    """The figure as a PNG: whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    storage.write_file(path, content.getvalue())
