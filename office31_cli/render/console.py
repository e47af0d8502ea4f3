"""The one place that prints: results to stdout as a table or as JSON, everything else to stderr."""

import json
import math
import os
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Protocol

from rich.console import Console, JustifyMethod, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from office31_cli.observer import Advance, Epochs
from office31_cli.render.layout import fit_to_width
from office31_cli.render.pager import show_text
from office31_cli.text import printable
from office31_cli.text_table import TextTable

_READABLE = 100
"""Columns beyond which lines are hard to read."""

_UNBOUNDED = 100_000
"""Columns of a pipe: nothing is cut or wrapped there."""


class Result(Protocol):
    """What a command returns, whatever it did."""

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints; its keys are a contract."""


class Reporter:
    """Shows one command's results and tells how it gets on; an `Observer` for the recipes."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)
        self._progress: Progress | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether results go to a terminal, where charts made of characters are shown; other programs get figures."""
        return self._out.is_terminal

    @property
    def text_width(self) -> int:
        """Columns of running text: the terminal's, but no more than can be read with ease; a pipe has no limit."""
        return min(self._out.width, _READABLE) if self._out.is_terminal else self._out.width

    def show(self, result: Result, *tables: RenderableType) -> None:
        """Print a result: as one JSON object, or as the tables made from it."""
        if self._as_json:
            print(format_json(result.to_json(), indent=2))
            return
        for table in tables:
            _print(self._out, table)

    def page(self, shown: RenderableType, theme: Theme | None = None) -> None:
        """Print a text, in a terminal that is too low for it one screen at a time; running text has `text_width`."""
        with self._out.capture() as capture, self._out.use_theme(theme or Theme()):
            self._out.print(shown, width=self.text_width, crop=False)
        show_text(capture.get())

    def stream(self, parts: Generator[RenderableType, None, None]) -> None:
        """Print a result part by part as it comes, above the progress bar; a text is written as it is."""
        with closing(parts):
            for part in parts:
                with self._bar_away():
                    if isinstance(part, str):
                        self._out.file.write(part)
                    else:
                        _print(self._out, part)
                    self._out.file.flush()

    @contextmanager
    def _bar_away(self) -> Iterator[None]:
        """No progress bar for a moment, where it stands in the terminal that results go to."""
        bar = self._progress if self._out.is_terminal else None
        if bar is not None:
            bar.stop()
        try:
            yield
        finally:
            if bar is not None:
                bar.start()

    def say(self, message: str) -> None:
        """Tell something worth knowing."""
        self._err.print(Text(printable(message)))

    def warn(self, message: str) -> None:
        """Tell something that the user may have to act on."""
        self._err.print(Text.assemble(("warning: ", "yellow"), printable(message)))

    def epochs(self, epochs: Epochs) -> None:
        """Show nothing: the result tells of the course."""

    @contextmanager
    def track(self, label: str, total: int, done: int = 0) -> Iterator[Advance]:
        """A progress bar with the time left, where a person looks on; nothing in a pipe."""
        if not self._err.is_terminal or self._err.no_color:
            yield lambda units: None
            return
        if self._progress is not None:  # a part of longer work has a line below it
            task = self._progress.add_task(printable(label), total=total, completed=done)
            try:
                yield partial(self._progress.advance, task)
            finally:
                self._progress.remove_task(task)
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with Progress(*columns, console=self._err, transient=True) as progress:
            self._progress = progress
            try:
                with self.track(label, total, done) as advance:
                    yield advance
            finally:
                self._progress = None


def build_table(title: str, *columns: str, caption: str | None = None) -> Table:
    """An empty table in the house style; a column whose name starts with `>` is aligned to the right."""
    table = Table(title=Text(printable(title)), caption=Text(printable(caption)) if caption else None)
    for column in columns:
        justify: JustifyMethod = "right" if column.startswith(">") else "left"
        table.add_column(column.removeprefix(">"), justify=justify, overflow="fold")
    return table


def build_facts(title: str, rows: Iterable[tuple[object, object]], caption: str | None = None) -> Table:
    """A table of two columns without a header: what each line is about, and what is said of it."""
    table = build_table(title, "", "", caption=caption)
    table.show_header = False
    for name, value in rows:
        table.add_row(build_cell(name), build_cell(value))
    return table


def render_text_table(table: TextTable) -> Table:
    """The same table for the terminal."""
    rendered = build_table(table.title, *table.columns, caption=table.caption or None)
    for row in table.rows:
        rendered.add_row(*map(build_cell, row))
    return rendered


def _print(console: Console, shown: RenderableType) -> None:
    """A table's title and caption become lines of their own: rich would fold them to the table's width."""
    if isinstance(shown, str):  # a text for other programs: as it is, whatever the terminal
        print(shown)
        return
    if not isinstance(shown, Table):
        console.print(shown)
        return
    title, caption = shown.title, shown.caption
    shown.title = shown.caption = None
    if title:
        console.print(title, style="bold")
    for number, part in enumerate(fit_to_width(shown, console)):
        if number:
            console.print()
        console.print(part)
    if caption:
        console.print(caption, style="dim")


def build_cell(value: object) -> Text:
    """Any value as a table cell in which no name from outside can steer the terminal."""
    return Text(printable(str(value)))


def print_error(message: str) -> None:
    """An `error:` on stderr: one line in a pipe, in a terminal as many as it takes, broken between words."""
    _console(sys.stderr).print(Text.assemble(("error: ", "bold red"), printable(message)))


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, where `| head` is no error: rich would exit with 1."""
        raise BrokenPipeError


def _console(stream: Any) -> Console:
    """A console that interprets nothing: no markup, no emoji codes, no highlighting."""
    width = None if stream.isatty() else _UNBOUNDED
    dumb = bool(os.environ.get("NO_COLOR")) or not stream.isatty()
    return _Console(
        file=stream,
        width=width,
        no_color=dumb or None,
        force_terminal=stream.isatty(),
        markup=False,
        emoji=False,
        highlight=False,
    )


def format_json(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON in ASCII."""
    return json.dumps(_without_nan(value), ensure_ascii=True, allow_nan=False, indent=indent)


def _without_nan(value: Any) -> Any:
    """JSON has no NaN and no infinity: both become null."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
