"""How `--help` looks: plain text as wide as the terminal, long lists of options under headings.

Typer's own plain help breaks words, ends at column 80 however wide the terminal is, and knows no headings; its help
in boxes imports rich, which takes longer than all the rest.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from textwrap import TextWrapper
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

MODEL, DATA, TRAINING, OUTPUT = "Model", "Data", "Training", "Output"
"""Headings that options may stand under (`rich_help_panel`), in this order below those that are the command's own."""

_OWN = "Options"
_WIDEST = 100
"""Columns of the longest line: longer ones are hard to read."""

_NAMES = 24
"""Columns of the names; where one is longer, its text begins on the next line."""

_MANY = 12
"""A command with more options than this gets headings."""

Rows = list[tuple[str, str]]
"""Names with the text that explains them."""


class HelpCommand(TyperCommand):
    """A command whose help is laid out here."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the command's name; errors name this command."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if getattr(error, "ctx", None) is None:
                vars(error)["ctx"] = ctx
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What follows the command's name in the line of usage; optional arguments stand in brackets."""
        parameters: list[Any] = self.get_params(ctx)
        pieces = [piece for each in parameters if not each.hidden for piece in each.get_usage_pieces(ctx)]
        return [self.options_metavar or "", *(re.sub(r"[{}]", "", piece) for piece in pieces)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write usage, description, arguments and options."""
        formatter.write("\n".join([*_introduce(self, ctx), *_format_sections(_list_parameters(self, ctx))]))


class HelpGroup(TyperGroup):
    """A group whose help is laid out here."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write usage, description, commands and options."""
        commands, options = self.list_summaries(), _list_parameters(self, ctx)
        formatter.write("\n".join([*_introduce(self, ctx), *_format_sections(commands), *_format_sections(options)]))

    def list_summaries(self) -> dict[str, Rows]:
        """By panel the commands' names, each with the first line of its help."""
        raise NotImplementedError


def width() -> int:
    """Columns that help is laid out in: the terminal's, 80 in a pipe, and at most `_WIDEST`."""
    return min(shutil.get_terminal_size().columns, _WIDEST)


def _introduce(command: Any, context: Any) -> Iterator[str]:
    usage = f"Usage: {' '.join([context.command_path, *command.collect_usage_pieces(context)])}"
    yield from _wrap(usage, " " * len("Usage: "))
    for paragraph in re.split(r"\n\s*\n", (command.help or "").strip()):
        yield ""
        yield from _wrap(f"  {' '.join(paragraph.split())}", "  ")


def group_parameters(command: Any, context: Any) -> dict[str, list[Any]]:
    """A command's arguments and options under their headings, without hidden ones; few options have but one heading."""
    arguments: list[Any] = []
    panels: dict[str, list[Any]] = {name: [] for name in (_OWN, MODEL, DATA, TRAINING, OUTPUT)}
    for each in command.get_params(context):
        if each.hidden:
            continue
        if each.param_type_name == "argument":
            arguments.append(each)
        else:
            panels[OUTPUT if each.name == "help" else each.rich_help_panel or _OWN].append(each)
    if sum(map(len, panels.values())) <= _MANY:
        panels = {_OWN: [each for panel in panels.values() for each in panel]}
    return {title: panel for title, panel in {"Arguments": arguments, **panels}.items() if panel}


def _list_parameters(command: Any, context: Any) -> dict[str, Rows]:
    """By heading the names of arguments and options with their texts."""
    sections: dict[str, Rows] = {}
    for title, panel in group_parameters(command, context).items():
        records = [each.get_help_record(context) for each in panel]
        sections[title] = [(re.sub(r" <\S+>$", "", names), _tidy(text)) for names, text in records]
    return sections


def _tidy(text: str) -> str:
    """Typer's `[default: (x); 0.0<=x<=0.9]` as `[default: x; 0 to 0.9]`."""
    text = re.sub(r"\[default: \((.*?)\)(?=;|\])", r"[default: \1", text)
    text = re.sub(r"([\d.]+)<=x<=([\d.]+)", lambda bounds: f"{float(bounds[1]):g} to {float(bounds[2]):g}", text)
    return re.sub(r"x>=([\d.]+)", r"at least \1", text)


def _format_sections(sections: dict[str, Rows]) -> Iterator[str]:
    """Sections below each other, their texts in one column."""
    rows = [row for section in sections.values() for row in section]
    column = 2 + min(max(len(names) for names, _ in rows), _NAMES) + 2
    for title, section in sections.items():
        if section:
            yield ""
            yield _emphasize(f"{title}:")
            yield from _format_rows(section, column)


def _format_rows(rows: Rows, column: int) -> Iterator[str]:
    for names, text in rows:
        first = f"  {names}".ljust(column)
        if len(names) > column - 4:
            yield first.rstrip()
            first = " " * column
        yield from _wrap(first + " ".join(text.split()), " " * column)


def _wrap(text: str, indent: str) -> Iterable[str]:
    """Lines that are broken between words only."""
    return TextWrapper(
        width(), subsequent_indent=indent, drop_whitespace=True, break_long_words=False, break_on_hyphens=False
    ).wrap(text)


def _emphasize(heading: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return heading if plain else typer.style(heading, bold=True)
