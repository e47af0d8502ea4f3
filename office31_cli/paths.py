"""Where state is stored: below $OFFICE31_HOME, else in the XDG data and cache folders."""

import os
from pathlib import Path

from office31_cli.errors import Failed


def data_home() -> Path:
    """The folder of what must be kept: data sets, models, unfinished runs."""
    return _find_home("XDG_DATA_HOME", ".local/share")


def cache_home() -> Path:
    """The folder of what can be computed or fetched again, and may be deleted at any time."""
    home = _find_home("XDG_CACHE_HOME", ".cache")
    return home / "cache" if os.environ.get("OFFICE31_HOME") else home


def data_sets() -> Path:
    """The folder of the known data sets, one folder each."""
    return data_home() / "data"


def registry() -> Path:
    """The folder of the stored models."""
    return data_home() / "registry"


def runs() -> Path:
    """The folder of the checkpoints of unfinished trainings."""
    return data_home() / "runs"


def _find_home(variable: str, below_home: str) -> Path:
    try:
        if chosen := os.environ.get("OFFICE31_HOME"):
            return Path(chosen).expanduser().absolute()
        base = os.environ.get(variable, "")
        if base.startswith("/"):  # the XDG specification: a relative path is to be ignored
            return Path(base) / "office31"
        return Path.home() / below_home / "office31"
    except RuntimeError:  # ~ or ~SOMEBODY that stands for nothing here
        raise Failed(
            "no home folder", "this machine knows none for that user", "set OFFICE31_HOME to an absolute path"
        ) from None
