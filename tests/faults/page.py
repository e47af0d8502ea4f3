"""FAULTS.md: the figures, the hostile archives, and every row with its tests. Imports no torch: `make docs` uses it."""

import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from tests.faults.archives import Outcome
from tests.faults.figures import Figure
from tests.faults.markers import shown
from tests.faults.rows import CANNOT_HOLD, ROWS

_HEAD = """# Faults and hostile inputs

Written by `make faults` on {system}, Python {python}, torch {torch}. The bound is that of the share of failures at
95 % confidence: 3 / n where none failed."""

_ARCHIVES = """
## Hostile archives

What `office31 download --from` and Python's own `tarfile.extractall(filter="data")` make of the same files."""

_ROWS = """
## Every row and its tests

E1, E2 and E3: one line on stderr, no traceback, that exit code. I: what was stored earlier is as it was.

<!-- generated: faults rows -->"""


def page(figures: Sequence[Figure], archives: Sequence[Outcome]) -> str:
    """The whole page as Markdown."""
    return "\n".join([*_figures(figures), *_archives(archives), _ROWS, rows_and_tests(), "<!-- end -->"]) + "\n"


def rows_and_tests() -> str:
    """The last part of the page: every row of the matrix, by group, with the tests that are marked with it."""
    return "\n".join(_rows()) + "\n"


def _figures(figures: Sequence[Figure]) -> Iterator[str]:
    yield _HEAD.format(system=platform.system(), python=platform.python_version(), torch=version("torch"))
    yield from _heading("rows", "what was counted", "n", "failures", "bound", "seed")
    for figure in figures:
        what = f"{figure.what} ({figure.note})" if figure.note else figure.what
        rows = ", ".join(map(str, figure.rows))
        yield _line(rows, what, f"{figure.count:,}", f"{figure.failures:,}", f"{figure.bound:.2g}", figure.seed)


def _archives(archives: Sequence[Outcome]) -> Iterator[str]:
    yield _ARCHIVES
    yield from _heading("row", "archive", "office31", "tarfile")
    for outcome in archives:
        ours = "ESCAPED" if outcome.escaped else "refused" if outcome.refused else "not refused"
        yield _line(outcome.row, outcome.name, ours, outcome.plain or "no tar")


def _rows() -> Iterator[str]:
    tests, group = shown(), ""
    for number, row in ROWS.items():
        if row.group != group:
            group = row.group
            yield f"\n### {group}"
            yield from _heading("row", "fault", "outcome", "tests")
        named = "<br>".join(f"`{test}`" for test in tests.get(number, ())) or CANNOT_HOLD[number]
        yield f"{_line(number, row.fault, row.outcome)} {named} |"


def _heading(*names: str) -> Iterator[str]:
    yield ""
    yield _line(*names)
    yield "|" + "---|" * len(names)


def _line(*cells: object) -> str:
    texts = (str(cell).replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(texts)} |"
