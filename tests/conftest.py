import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.helpers.make_once import make_once
from tests.helpers.real_command import Command

FORKING_FILES = ("faults/test_trainings.py", "faults/test_arguments.py")
"""Files that fork the tests' own process and train in the child: nothing may have trained in it before."""

LONG_FILES = (
    "cli/test_torchrun.py",
    "cli/test_screens.py",
    "workflow/test_ray_pool.py",
    "cli/test_fresh.py",
    "cli/test_export_cli.py",
    "models/test_formats.py",
    "cli/test_errors.py",
    "engine/test_frozen_split.py",
    "cli/test_compare.py",
    "methods/test_toy_shift.py",
    "cli/test_benchmark.py",
    "faults/test_environment.py",
    "registry/test_earlier.py",
    "models/test_backbones.py",
    "cli/test_report.py",
    "cli/test_import_cli.py",
    "cli/test_forced.py",
    "cli/test_finetune.py",
    "cli/test_outputs.py",
)
"""Files whose tests take longest: dealt out first, they do not keep one worker busy when the other has nothing left."""


_BEFORE = dict(os.environ)
"""The environment that the tests were started with."""


def pytest_configure() -> None:
    """Ctrl-C interrupts what the tests start, though a shell's background job would have it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of `FORKING_FILES` and `LONG_FILES` first, in that order; all others stay as they are."""
    places = {name: place for place, name in enumerate((*FORKING_FILES, *LONG_FILES))}
    root = Path(__file__).parent
    items.sort(key=lambda item: places.get(str(item.path.relative_to(root)), len(places)))


def pytest_collection_finish() -> None:
    """Undo what libraries have set in the environment while test files imported them, and keep what they imported.

    No command of a user's begins with it, and none could be given to a child of `command_client`'s server.
    """
    for name in os.environ.keys() - _BEFORE.keys():
        if not name.startswith("PYTEST_"):
            del os.environ[name]
    gc.collect()
    gc.freeze()  # else the first collection in each process that a test forks copies all that was imported


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """Keep every test out of the user's own data and models, and undo what libraries set in the environment."""
    with patch.dict(os.environ, OFFICE31_HOME=str(tmp_path / "home")):
        yield tmp_path / "home"


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds the drawn sample; only ever copied."""
    return make_once(tmp_path_factory, "sample", lambda home: Command(home).json("download", "--sample"))
